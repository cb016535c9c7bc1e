"""Cut rows into train and validation, in the slicing syntax of the datasets library."""

from __future__ import annotations

import bisect
import hashlib
import re
from typing import Any

from datasets import ReadInstruction

from interlude.errors import InputError, did_you_mean, few, unknown
from interlude.forms.names import is_blank, same_name
from interlude.plan.tasks import split_name

Row = dict[str, Any]


def cut(
    splits: dict[str, list[Row]],
    instruction: str,
    split_by: str | None,
    where: str,
    *,
    shuffle: bool = False,
) -> list[tuple[str, int]]:
    """Return the split and the index of the rows that an instruction selects, in its order.

    An instruction is a slice such as `all[:70%]`, or several: `train+test[:100]`. Without
    `split_by`, its positions count the rows in their order, or with `shuffle` in the order of a
    hash of each one's position. With it, the groups of rows that share this column, case and
    punctuation aside, are put in the order of a hash, and a position inside a group moves to the
    start of the group: no group is on both sides of a cut. A row without a value is a group of its
    own. `where` names the key in messages.
    Raises InputError for a malformed instruction, an unknown split or a missing column.
    """
    selected = []
    for name, start, stop in _positions(splits, instruction, where):
        order, cuts = _ordered(splits[name], split_by, shuffle, where)
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


def groups(rows: list[Row], split_by: str, where: str) -> list[str]:
    """Return for each row what the rows of its group share, and by which groups are ordered."""
    return [_group(row, number, split_by, where) for number, row in enumerate(rows, start=1)]


def has_group(row: Row, split_by: str) -> bool:
    """Return whether a row has a value by which it belongs to others."""
    return not is_blank(row[split_by])


def _ordered(
    rows: list[Row], split_by: str | None, shuffle: bool, where: str
) -> tuple[list[int], list[int]]:
    """Return the indices of rows in the order to cut them, and the positions that allow a cut."""
    if split_by is None:
        order = list(range(len(rows)))
        if shuffle:
            order.sort(key=lambda index: _hash(str(index)))
        return order, list(range(len(rows) + 1))
    keys = groups(rows, split_by, where)
    order = sorted(range(len(rows)), key=keys.__getitem__)
    starts = [at for at in range(1, len(rows)) if keys[order[at]] != keys[order[at - 1]]]
    return order, [0, *starts, len(rows)]


def _group(row: Row, number: int, column: str, where: str) -> str:
    if column not in row:
        raise InputError(
            f"{where}: key split_by: no column {column!r}.{did_you_mean(column, list(row))} "
            f"Found: {few([*row], most=40)}."
        )
    return _key(row[column]) if has_group(row, column) else _hash(f"\n{number}")


def _key(value: Any) -> str:
    """Return a hash of the words of a value: case and punctuation make no other group."""
    name = same_name(value).casefold()
    return _hash(" ".join(re.findall(r"\w+", name)) or name)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _snapped(position: int, cuts: list[int]) -> int:
    """Return the last position at or before this one that allows a cut."""
    return cuts[bisect.bisect_right(cuts, position) - 1]
