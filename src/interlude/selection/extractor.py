"""An encoder with the examples of a task that it is to read, as it is: nothing is trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlude.encode.check import check_encoded
from interlude.errors import InputError
from interlude.files import MANIFEST, WEIGHTS, check_files, read_manifest, sha256_of
from interlude.forms.examples import Row
from interlude.forms.head import Tensors
from interlude.plan.extractions import Extraction
from interlude.plan.methods import CONTINUE
from interlude.plan.settings import Settings
from interlude.training.batches import collate, rows_of
from interlude.training.build import settle
from interlude.training.data import TaskData, load_task
from interlude.training.encoder import load_encoder
from interlude.training.methods import put_adapter
from interlude.training.platform import Platform, choose_platform
from interlude.training.start import check_start, read_adapters, read_heads, resting_on
from interlude.training.state import TaskModel

PRECISION = "fp32"  # differences between sources are small


@dataclass(frozen=True)
class Places:
    """The folders of a model, an encoded task and a start; no start for the pretrained encoder."""

    model: Path
    encoded: Path
    start: Path | None = None


@dataclass(frozen=True)
class Extractor:
    """A model, ready to read the training examples of one task; heads: of the start, by task."""

    model: TaskModel
    data: TaskData
    platform: Platform
    heads: dict[str, Tensors]

    @property
    def tokens(self) -> int:
        """The number of tokens of all examples, without padding."""
        return int(self.data.train["tokens"].to_numpy().sum())

    def batches(
        self, numbers: Iterable[np.ndarray]
    ) -> Iterator[tuple[Sequence[Row], Tensors, Tensors]]:
        """Yield examples of these numbers with the encoder's inputs and the head's targets."""
        for of_batch in numbers:
            rows = rows_of(self.data.train, of_batch)
            batch = collate(self.data.form, rows, self.data.pad_id)
            device = self.platform.device
            inputs, targets = ({k: each.to(device) for k, each in of.items()} for of in batch)
            yield rows, inputs, targets


def extractor_of(extraction: Extraction, places: Places) -> Extractor:
    """Return what carries out an extraction, in fp32.

    InputError for a start of another model or method, or a file that was cut or changed.
    """
    _check_encoder(extraction, places)
    data = load_examples(extraction, places)
    model = _model(extraction, places, data)
    platform = choose_platform(extraction.device, PRECISION)
    platform = settle(model, platform, PRECISION, extraction.model)
    model.eval()
    heads = {} if places.start is None else read_heads(places.start)
    return Extractor(model, data, platform, heads)


def load_examples(extraction: Extraction, places: Places) -> TaskData:
    """Return the examples of an extraction; InputError or RunError for files that are not good."""
    check_encoded(places.encoded, places.model)
    part, settings = extraction.part, Settings(max_length=extraction.max_length)
    how = (settings, part.examples, part.standardise, part.held_aside)
    return load_task(part.task, part.form, part.metric, places.encoded, *how)


def _check_encoder(extraction: Extraction, places: Places) -> None:
    """Hold the weights that are read to their manifest, and a start to its model and method."""
    is_whole_start = extraction.method.is_full and places.start is not None
    check_files(places.model, but=(WEIGHTS,) if is_whole_start else ())
    if places.start is None:
        return
    found = read_manifest(places.start).get("model")
    if found != extraction.model:
        raise InputError(
            f"{places.start / MANIFEST}: key model: found {found}. Allowed: {extraction.model}, "
            f"for which the task is encoded. Delete {places.start} and run again."
        )
    pretrained = sha256_of(places.model / WEIGHTS)
    check_start(places.start, {} if is_whole_start else resting_on(extraction.method, pretrained))


def _model(extraction: Extraction, places: Places, data: TaskData) -> TaskModel:
    """Return the encoder under a fresh head of the task."""
    is_full = extraction.method.is_full
    whole_start = places.start if is_full else None
    encoder: Any = load_encoder(places.model, extraction.layers, None, whole_start)
    if not is_full and places.start is not None:
        put_adapter(encoder, extraction.method, read_adapters(places.start), CONTINUE)
    return TaskModel(encoder, [data.form.head(encoder.config.hidden_size, 0.0)])
