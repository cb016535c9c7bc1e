"""An extraction, from an encoder to a folder: done once, for many methods."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from interlude.files import MANIFEST, filling, sha256_of, write_json
from interlude.plan.extractions import FISHER, TENSORS, VOCABULARY, Extraction
from interlude.selection.extractor import Places, extractor_of, load_examples
from interlude.selection.features import Made, extract_features
from interlude.selection.fisher import extract_fisher
from interlude.training.start import read_status

NAMES = ("features", "predicted", "text", "fisher")  # of what a start without weights cannot give


def extract(extraction: Extraction, places: Places, out: Path) -> None:
    """Carry out an extraction and leave its tensors and its manifest in a folder.

    The manifest has the costs: tokens that passed the encoder, and seconds; the kind of labels;
    and, under `lacks`, why it has no tensors of a name. Of a start without weights it has none.
    InputError as `extractor_of`.
    """
    started = time.perf_counter()
    made, tokens = _made(extraction, places)
    said = {
        "extraction": extraction.to_json(),
        "kind": made.kind,
        "lacks": made.lacks,
        "tokens": tokens,
    }
    with filling(out) as work:
        tensors = {name: each.contiguous() for name, each in made.tensors.items()}
        save_file(tensors, work / TENSORS)
        said["files"] = {TENSORS: sha256_of(work / TENSORS)}
        write_json(work / MANIFEST, said | {"seconds": time.perf_counter() - started})


def _made(extraction: Extraction, places: Places) -> tuple[Made, int]:
    """Return what an extraction gives, and the tokens that passed the encoder."""
    if extraction.kind == VOCABULARY:
        return Made({"vocabulary": _vocabulary(extraction, places)}), 0
    status = "ok" if places.start is None else read_status(places.start)
    if status != "ok":
        why = f"the training whose encoder it needs has the status {status}"
        return Made({}, lacks=dict.fromkeys(NAMES, why)), 0
    extractor = extractor_of(extraction, places)
    if extraction.kind == FISHER:
        return extract_fisher(extractor, extraction.part.task), extractor.tokens
    return extract_features(extractor, extraction.head), extractor.tokens


def _vocabulary(extraction: Extraction, places: Places) -> torch.Tensor:
    """Return the numbers of all tokens that occur, int64."""
    ids = load_examples(extraction, places).train["input_ids"].combine_chunks()
    found = np.unique(ids.flatten().flatten().to_numpy())
    return torch.from_numpy(found.astype(np.int64))
