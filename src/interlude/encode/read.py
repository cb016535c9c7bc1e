"""Read an encoded task: an Arrow file for each split, memory-mapped."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from interlude.errors import InputError

PARTS = ("train", "validation")


@dataclass(frozen=True)
class Header:
    """What a run has to know beside the examples: its task's labels, and what pads a batch."""

    label_names: list[str]
    pad_id: int


def read_encoded(path: Path) -> pa.Table:
    """Memory-map an encoded split; InputError when the file is not a whole Arrow file."""
    try:
        return ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise InputError(
            f"{path}: not a readable Arrow file ({error}). Delete it and run again."
        ) from None


def read_header(examples: pa.Table) -> Header:
    """Return the metadata of an encoded split."""
    kept = examples.schema.metadata
    return Header(json.loads(kept[b"label_names"]), int(kept[b"pad_id"]))
