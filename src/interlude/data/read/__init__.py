"""Readers of files, found by name: each is a function marked @reader in a module of this room."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path, PurePath

READER = re.compile(r"^@reader\ndef (\w+)\(", re.MULTILINE)
BASIC = f"{__name__}.readers"  # has those of the file endings


@cache
def reader_modules() -> dict[str, str]:
    """Return reader -> its module, by which `plan.digest` knows what is loaded.

    By the text of the modules, which takes no time; their imports take seconds.
    """
    return {
        name: f"{__name__}.{path.stem}"
        for path in sorted(Path(__file__).parent.glob("*.py"))
        for name in READER.findall(path.read_text(encoding="utf8"))
    }


def ending_of(name: str) -> str:
    """Return the ending of a file name, which tells the reader: .csv.gz of Reviews.CSV.gz."""
    path = PurePath(name.lower())
    return PurePath(path.stem).suffix + ".gz" if path.suffix == ".gz" else path.suffix


def reader_module(name: str | None) -> str:
    """Return the module of the reader that a task file names, or that its file ending tells."""
    return reader_modules().get(name or "", BASIC)
