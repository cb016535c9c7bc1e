"""Read rows out of the fetched files of a task, with the reader that it names."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from interlude.data.read import reader_module, reader_modules
from interlude.data.read.readers import READERS, Dropped, Members, Reader, Rows
from interlude.errors import InputError, unknown
from interlude.plan.tasks import Task

BY_ENDING = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}


def read_rows(
    task: Task, names: Mapping[str, str], contents: Members
) -> tuple[dict[str, Rows], Dropped]:
    """Return the rows of a task by split, and how many were dropped for which reason.

    names, contents: what the file of each split is called, and holds.
    Raises InputError when the reader is unknown or cannot read them.
    """
    reader = reader_of(_reader_name(task, names))
    options = task.source.options
    allowed = list(inspect.signature(reader).parameters)[2:]
    for option in options:
        if option not in allowed:
            raise unknown(f"{task.path}: key source.options", "option", option, allowed)
    dropped: Dropped = Counter()
    try:
        return reader(contents, dropped, **options), dropped
    except InputError as error:
        raise InputError(f"{task.path}: key source: {error}") from None


def reader_of(name: str) -> Reader:
    """Return a reader; its module is loaded by then and no sooner."""
    import_module(reader_module(name))
    return READERS[name]


def _reader_name(task: Task, names: Mapping[str, str]) -> str:
    declared = task.source.reader
    where = f"{task.path}: key source"
    if declared is None:
        endings = {Path(name).suffix for name in names.values()}
        if len(endings) != 1 or not endings <= set(BY_ENDING):
            raise InputError(
                f"{where}.reader: not given, and the file endings "
                f"{sorted(endings)} do not tell. Allowed: {', '.join(sorted(reader_modules()))}."
            )
        return BY_ENDING[endings.pop()]
    if declared not in reader_modules():
        raise unknown(where, "reader", declared, reader_modules())
    return declared
