"""Weights as safetensors: read the header of a file, and join several files into one.

A file is the length of its header (8 bytes), the header (JSON: for each tensor its kind, its shape
and where its bytes lie), and the bytes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlude.errors import InputError
from interlude.files import WEIGHTS

INDEX = f"{WEIGHTS}.index.json"  # names the files of weights that are in several
POINTER = b"version https://git-lfs.github.com/spec/"
LENGTH = 8  # bytes

Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Header:
    """What a file holds: its tensors by name, and the place of the first byte of the first."""

    tensors: Entries
    start: int

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return max((each["data_offsets"][1] for each in self.tensors.values()), default=0)


def read_header(path: Path) -> Header:
    """Return the header of a file; InputError for one that is cut, or is something else."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        text = file.read(length) if length <= size else b""
    try:
        tensors: Entries = json.loads(text)
        tensors.pop("__metadata__", None)
        header = Header(tensors, LENGTH + length)
        expected = header.start + header.size
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InputError(
            f"{path}: no safetensors file: it does not begin with a header of one. "
            "save_pretrained() of transformers writes it."
        ) from None
    if size != expected:
        raise InputError(
            f"{path}: not a whole safetensors file: found {size:,} bytes. "
            f"Allowed: {expected:,}, as its header says. Copy or download it again."
        )
    return header


def check_no_pointers(folder: Path) -> None:
    """Raise InputError for a file that is only the pointer which Git LFS leaves in a clone."""
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise InputError(
                    f"{path}: found a pointer of Git LFS in place of the file. "
                    "`git lfs pull`, in the clone that it comes from, fetches the file."
                )


def names_in_index(index: Path) -> list[str]:
    """Return the names of the files that an index lists, sorted; InputError for no such index."""
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise InputError(f"{index}: not a whole index of weights (JSON, key weight_map).") from None
    strange = [name for name in names if Path(name).name != name or name in ("", ".", "..")]
    if strange:
        raise InputError(f"{index}: found {strange[0]!r}. Allowed: names of files beside it.")
    return names


def join(paths: Iterable[Path], out: Path) -> None:
    """Write the tensors of several files into one, in the order of files and of bytes in these."""
    headers = {path: read_header(path) for path in paths}
    tensors: Entries = {}
    before = 0
    for path, header in headers.items():
        for name, entry in header.tensors.items():
            if name in tensors:
                raise InputError(f"{path}: found tensor {name}, which another file has as well.")
            start, end = entry["data_offsets"]
            tensors[name] = {**entry, "data_offsets": [before + start, before + end]}
        before += header.size
    text = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    text += b" " * (-len(text) % LENGTH)  # as the format wants it
    with out.open("wb") as joined:
        joined.write(len(text).to_bytes(LENGTH, "little") + text)
        for path, header in headers.items():
            with path.open("rb") as file:
                file.seek(header.start)
                shutil.copyfileobj(file, joined)
