"""Cut rows into train and validation, in the slicing syntax of the datasets library."""

from __future__ import annotations

import bisect
import hashlib
import re
from typing import Any

from datasets import ReadInstruction

from interlude.errors import InputError, did_you_mean, unknown
from interlude.plan.tasks import split_name

Row = dict[str, Any]


def cut(
    splits: dict[str, list[Row]], instruction: str, split_by: str | None, where: str
) -> list[tuple[str, int]]:
    """Return the split and the index of the rows that an instruction selects, in its order.

    An instruction is a slice such as `all[:70%]`, or several: `train+test[:100]`. Without
    `split_by`, its positions count the rows as given. With it, the groups of rows that share this
    column, case and punctuation aside, are put in the order of a hash, and a position inside a
    group moves to the start of the group: no group is on both sides of a cut. `where` names the
    key in messages.
    Raises InputError for a malformed instruction, an unknown split or a missing column.
    """
    selected = []
    for name, start, stop in _positions(splits, instruction, where):
        order, cuts = _grouped(splits[name], split_by, where)
        chosen = order[_snapped(start, cuts) : _snapped(stop, cuts)]
        selected += [(name, index) for index in chosen]
    return selected


def _positions(
    splits: dict[str, list[Row]], instruction: str, where: str
) -> list[tuple[str, int, int]]:
    sizes = {name: len(rows) for name, rows in splits.items()}
    try:
        parts = ReadInstruction.from_spec(instruction).to_absolute(sizes)
    except (ValueError, AssertionError) as error:
        raise _explained(instruction, list(sizes), where, error) from None
    return [(part.splitname, part.from_, part.to) for part in parts]


def _explained(instruction: str, names: list[str], where: str, error: Exception) -> InputError:
    for part in instruction.split("+"):
        name = split_name(part)
        if name.isidentifier() and name not in names:
            return unknown(where, "split", name, names)
    return InputError(
        f"{where}: found {instruction!r} ({error}). Allowed: slices such as '{names[0]}[:70%]', "
        f"'{names[0]}[-500:]' or '{names[0]}[100:200]', joined with +."
    )


def _grouped(rows: list[Row], split_by: str | None, where: str) -> tuple[list[int], list[int]]:
    """Return the indices of rows in the order to cut them, and the positions that allow a cut."""
    if split_by is None:
        return list(range(len(rows))), list(range(len(rows) + 1))
    keys = [_key(_value(row, split_by, where)) for row in rows]
    order = sorted(range(len(rows)), key=keys.__getitem__)
    starts = [at for at in range(1, len(rows)) if keys[order[at]] != keys[order[at - 1]]]
    return order, [0, *starts, len(rows)]


def _value(row: Row, column: str, where: str) -> str:
    if column not in row:
        raise InputError(
            f"{where}: key split_by: no column {column!r}.{did_you_mean(column, list(row))} "
            f"Found: {', '.join(row)}."
        )
    return str(row[column])


def _key(value: str) -> str:
    """Return a hash of the words of a value: case and punctuation make no other group."""
    words = re.findall(r"\w+", value.casefold())
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def _snapped(position: int, cuts: list[int]) -> int:
    """Return the last position at or before the given one that allows a cut."""
    return cuts[bisect.bisect_right(cuts, position) - 1]
