"""Readers of files, found by name: each is a function marked @reader in a module of this room."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePath

READER = re.compile(r"^@reader\ndef (\w+)\(", re.MULTILINE)
BASIC = f"{__name__}.readers"  # has those of most file endings
BY_ENDING = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
    ".conllu": "conllu",
}


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
    """Return the ending of a file name, which chooses the reader: .csv.gz of Reviews.CSV.gz."""
    path = PurePath(name.lower())
    return PurePath(path.stem).suffix + ".gz" if path.suffix == ".gz" else path.suffix


def reader_by_ending(names: Iterable[str]) -> str | None:
    """Return the reader for the endings of file names; None where there is none, or two."""
    readers = {BY_ENDING.get(ending_of(name).removesuffix(".gz")) for name in names}
    return readers.pop() if len(readers) == 1 else None


def reader_module(name: str | None) -> str:
    """Return the module of a reader; None: of those that read tables and lines of JSON."""
    return reader_modules().get(name or "", BASIC)
