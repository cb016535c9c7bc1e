"""Read rows out of the fetched files of a task, with the reader that it names."""

from __future__ import annotations

import gzip
import inspect
import zlib
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import create_model

from interlude.data.read import (
    BY_ENDING,
    ending_of,
    reader_by_ending,
    reader_module,
    reader_modules,
)
from interlude.data.read.readers import READERS, Dropped, Members, Reader, Rows
from interlude.errors import InputError, unknown
from interlude.plan.declared import Declared, checked
from interlude.plan.tasks import Task


def read_rows(
    task: Task, names: Mapping[str, str], contents: Members
) -> tuple[dict[str, Rows], Dropped]:
    """Return the rows of a task by split, and how many were dropped for which reason.

    names, contents: what the file of each split is called, and holds.
    Raises InputError when the reader is unknown or cannot read them.
    """
    name = _reader_name(task, names)
    reader = reader_of(name)
    options = _options(task, name, reader)
    dropped: Dropped = Counter()
    try:
        members = {split: _unpacked(contents[split], split, names[split]) for split in contents}
        return reader(members, dropped, **options), dropped
    except InputError as error:
        of_split = (f"{names[split]}: " for split in names if f"split {split!r}" in str(error))
        raise InputError(f"{task.path}: key source: {next(of_split, '')}{error}") from None


def reader_of(name: str) -> Reader:
    """Return a reader; its module is loaded only now."""
    import_module(reader_module(name))
    return READERS[name]


def _options(task: Task, name: str, reader: Reader) -> dict[str, Any]:
    """Return the options of a reader, checked against the annotations of its parameters."""
    given = task.source.options
    parameters = list(inspect.signature(reader, eval_str=True).parameters.values())[2:]
    fields: dict[str, Any] = {
        each.name: (each.annotation, ... if each.default is each.empty else each.default)
        for each in parameters
    }
    if given and not fields:
        where = f"{task.path}: key source.options"
        raise InputError(f"{where}: found {', '.join(given)}. The reader {name} has no options.")
    checked(
        create_model("Options", __base__=Declared, **fields),
        given,
        str(task.path),
        key="source.options",
    )
    return given


def _unpacked(content: bytes, split: str, name: str) -> bytes:
    if not name.lower().endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"split {split!r}: not a whole gzip file: {error}.") from None


def _reader_name(task: Task, names: Mapping[str, str]) -> str:
    declared = task.source.reader
    where = f"{task.path}: key source"
    if declared is None:
        if reader := reader_by_ending(names.values()):
            return reader
        endings = {ending_of(name) for name in names.values()}
        raise InputError(
            f"{where}.reader: not set, and no reader follows from the endings {sorted(endings)}. "
            f"Allowed: one of {', '.join(BY_ENDING)} for all files, also packed, as .csv.gz."
        )
    if declared not in reader_modules():
        raise unknown(where, "reader", declared, reader_modules())
    return declared
