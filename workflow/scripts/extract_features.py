"""Read the examples of a task with an encoder, once, for the methods that choose a source by it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from interlude.errors import command
from interlude.jobs.claims import claim_gpu
from interlude.plan.extractions import VOCABULARY, Extraction
from interlude.selection.extract import extract
from interlude.selection.extractor import Places


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extraction", type=Extraction.from_json, required=True, help="as JSON")
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--encoded", type=Path, required=True, help="folder of the encoded task")
    parser.add_argument("--start", type=Path, help="folder of the start whose encoder reads")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    arguments = parser.parse_args()
    extraction: Extraction = arguments.extraction
    if extraction.device != "cpu" and extraction.kind != VOCABULARY:
        claim_gpu(lambda line: print(line, file=sys.stderr, flush=True))
    torch.set_num_threads(arguments.threads)
    torch.utils.deterministic.fill_uninitialized_memory = False  # as `build.seed_everything`
    extract(extraction, Places(arguments.model, arguments.encoded, arguments.start), arguments.out)


if __name__ == "__main__":
    main()
