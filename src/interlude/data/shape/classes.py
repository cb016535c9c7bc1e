"""Whether both parts of a task of classes have labels that can be learnt and distinguished.

What cannot work is refused before anything is trained: one label in all rows, a part of a file that
is sorted by label, a validation set of which no label is in train.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, groupby
from typing import Any

from interlude.errors import InputError, few
from interlude.forms.names import are_numbers, whole_number
from interlude.plan.tasks import Task

NO_CHANCE = 10  # rows of one label alone are no chance from here on, unless labels are rare

Place = tuple[str, int]  # of a source row: its split, and where it is there
Numbers = Mapping[str, Mapping[Place, int]]  # of the labels, by part and by row


def check_classes(task: Task, numbers: Numbers, values: Iterable[Any]) -> None:
    """Raise InputError when the labels of both parts cannot work.

    task: with the labels that it has. values: of the label column, as they stand there.
    No error, but a warning: a part of one row, groups that are cut as declared, and one label in a
    whole file or in few rows of a file in no order.
    """
    if len(task.labels) < 2:
        raise InputError(
            f"{task.path}: key columns.label: found one label, {task.labels[0]!r}, in all rows. "
            "Allowed: two or more."
        )
    _check_counting(task, numbers, values)
    if len(_labels(numbers, *numbers)) < 2 or min(map(len, numbers.values())) < 2:
        return
    for part in numbers:
        if len(labels := _labels(numbers, part)) == 1 and (why := _by_order(task, numbers, part)):
            raise InputError(
                f"{task.path}: key splits.{part}: found one label, {task.labels[labels.pop()]!r}, "
                f"in all {len(numbers[part])} rows. Allowed: two or more.{why}"
            )
    _check_shared(task, numbers)


def _check_counting(task: Task, numbers: Numbers, values: Iterable[Any]) -> None:
    """Raise InputError where labels are numbers and none is 0: they may count from 1."""
    seen = _labels(numbers, *numbers)
    is_open = task.labels_from is None and not are_numbers(task.labels)
    if not is_open or 0 in seen or len(seen) < 2:
        return
    if any(whole_number(value) is not None for value in values):
        raise InputError(
            f"{task.path}: key labels_from: found numbers in the label column, and no 0, which is "
            f"{task.labels[0]!r}. Needed: labels_from: 1 where they count from 1, else 0."
        )


def _check_shared(task: Task, numbers: Numbers) -> None:
    """Raise InputError when no label of validation is in train."""
    train, validation = (_labels(numbers, part) for part in ("train", "validation"))
    if not train & validation and not task.split_by:
        names = (few([task.labels[n] for n in sorted(each)]) for each in (validation, train))
        found = "found no label of validation ({}) in train ({})".format(*names)
        why = _by_order(task, numbers, "validation")
        hidden = " -1 often marks hidden labels." * ("-1" in task.labels)
        raise InputError(f"{task.path}: key splits: {found}. Allowed: one or more.{why}{hidden}")


def _labels(numbers: Numbers, *parts: str) -> set[int]:
    return set(chain.from_iterable(numbers[part].values() for part in parts))


def _by_order(task: Task, numbers: Numbers, part: str) -> str:
    """Return ' …', how to cut a file whose order is the reason; an empty string where it is not."""
    if are_sorted(task, numbers, part):
        return " The rows are sorted by label: shuffle: true cuts them in another order."
    is_chance = len(numbers[part]) < NO_CHANCE or not _counts_rows(task, part)
    return "" if is_chance else " Where rows are sorted, shuffle: true cuts them in another order."


def are_sorted(task: Task, numbers: Numbers, part: str) -> bool:
    """Return whether a part is cut by position out of rows that stand label by label."""
    splits = {split for split, _ in numbers[part]}
    rows = sorted((at, n) for each in numbers.values() for at, n in each.items() if at[0] in splits)
    runs = [label for label, _ in groupby(rows, key=lambda row: row[1])]
    return _counts_rows(task, part) and len(runs) == len(set(runs))


def _counts_rows(task: Task, part: str) -> bool:
    """Return whether a part is a slice whose positions count rows in the order of the file."""
    return "[" in task.splits[part] and not task.shuffle and not task.split_by
