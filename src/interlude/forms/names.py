"""The name of a value of a source row, however its file writes it.

Nothing has no name: null, NaN, and an empty text where a name is needed. A whole number has one
name: a gap in a column makes floats of its numbers, JavaScript writes 1.0 as 1, in CSV all is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_WHOLE = re.compile(r"(-?(?:0|[1-9]\d{0,17}))(?:\.0+)?")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def is_missing(value: Any) -> bool:
    """Return whether a value is none: null, NaN, or a date that is none."""
    return value is None or bool(value != value)  # noqa: PLR0124 (what is none equals nothing)


def is_blank(value: Any) -> bool:
    """Return whether a value is none, or a text of white space alone."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def written(value: Any) -> str:
    """Return a value as text; a whole number without a point, as it was before a gap."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if is_whole else str(value)


def whole_number(value: Any) -> int | None:
    """Return the whole number that a value is, as a number or as text; None for another value."""
    found = None if isinstance(value, bool) else _WHOLE.fullmatch(written(value))
    return int(found[1]) if found else None


def same_name(value: Any) -> str:
    """Return the name of a value that stands for itself: '1' of 1, 1.0 and '1.0'."""
    number = whole_number(value)
    return written(value) if number is None else str(number)


def label_place(value: Any, labels: Sequence[str], first: int) -> int | None:
    """Return the place, from 0, of the label that a value names or numbers; None for no label.

    It is a number only where no label is called like one; first: the number of the first label.
    """
    name = written(value)
    if name in labels:
        return labels.index(name)
    number = whole_number(value)
    if number is not None and not are_numbers(labels):
        return number - first if 0 <= number - first < len(labels) else None
    same = [place for place, label in enumerate(labels) if _are_one(value, label)]
    return same[0] if len(same) == 1 else None


def _are_one(value: Any, label: str) -> bool:
    """Return whether a value is a label that is written in another way: 1 is 1.0, true is True."""
    if isinstance(value, bool):
        return label.lower() == str(value).lower()
    number = whole_number(value)
    return number is not None and number == whole_number(label)


def are_numbers(labels: Iterable[str]) -> bool:
    """Return whether a label is called like a number: then a number is a name."""
    return any(_NUMBER.fullmatch(label) for label in labels)


def found_names(values: Iterable[Any]) -> list[str]:
    """Return the names of labels that values have, sorted; '1.0' is '1' where both are there."""
    names = {written(value) for value in values}
    return sorted(name for name in names if name == same_name(name) or same_name(name) not in names)
