"""Read values out of a source row: columns, parts of columns and templates, held to a type.

For the forms, which make their normalised columns of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

from interlude.errors import did_you_mean, few
from interlude.forms.examples import Row

_HALF = re.compile(r"[\ud800-\udfff]")
_FIELD = re.compile(r"\{([^{}]+)\}")


class RowError(Exception):
    """A row that breaks its form; the message names the key, what was found, what is allowed."""


class Task(Protocol):
    """What is read of a task: what stands for each normalised column, and the names of labels."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """For each normalised column, the source column or a template."""

    @property
    def labels(self) -> list[str]:
        """Names of the labels, in the order of their numbers."""


def value_of(row: Row, task: Task, key: str) -> Any:
    """Return what a row holds for a normalised column, as the task file declares it."""
    return resolved(row, task.columns[key], key)


def resolved(row: Row, declared: str, key: str) -> Any:
    """Return what a column name, or a template such as 'Q: {stem}', stands for in a row.

    A template with a list-valued column gives a list: one text for each element.
    """
    names = _FIELD.findall(declared)
    if not names:
        return _column(row, declared, key)
    values = {name: _column(row, name, key) for name in names}
    lists = [value for value in values.values() if isinstance(value, list)]
    if not lists:
        return _filled(declared, values)
    return [
        _filled(declared, {n: v[i] if isinstance(v, list) else v for n, v in values.items()})
        for i in range(min(map(len, lists)))
    ]


def _filled(template: str, values: Row) -> str:
    return _FIELD.sub(lambda field: str(values[field[1]]), template).strip()


def _column(row: Row, name: str, key: str) -> Any:
    """Return a column, or a part of one: `choices.text` of a mapping, `starts.0` of a list."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise RowError(
                f"key columns.{key}: no column {name!r}.{did_you_mean(name, list(row))} "
                f"Found: {', '.join(row)}."
            )
    return value


def number_of(row: Row, task: Task, key: str) -> float:
    """Return a finite number, which may be written as text; RowError for anything else."""
    value = value_of(row, task, key)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RowError(f"key {key}: found {value!r}. Allowed: a finite number.")
    return number


def whole_of(row: Row, task: Task, key: str) -> int:
    """Return a whole number, which may be written as text; RowError for anything else."""
    value = value_of(row, task, key)
    if not re.fullmatch(r"-?\d+", str(value)):
        raise RowError(f"key {key}: found {value!r}. Allowed: a whole number.")
    return int(value)


def text_of(row: Row, task: Task, key: str) -> str:
    """Return a text; RowError for anything else."""
    value = value_of(row, task, key)
    if not isinstance(value, str):
        raise RowError(f"key {key}: found {value!r}. Allowed: text.")
    return value


def texts_of(row: Row, task: Task, key: str) -> list[str]:
    """Return a list of texts; RowError when it is empty or no list."""
    return [str(text) for text in listed(value_of(row, task, key), key)]


def listed(value: Any, key: str) -> list[Any]:
    """Return a list that is not empty; RowError for anything else."""
    if not isinstance(value, list) or not value:
        raise RowError(f"key {key}: found {value!r}. Allowed: a list that is not empty.")
    return value


def span_of(row: Row, task: Task, key: str, text: str) -> tuple[int, int]:
    """Return start and end of a span that a source column holds as two characters of a text."""
    value = value_of(row, task, key)
    if not isinstance(value, list) or [type(each) for each in value] != [int, int]:
        raise RowError(f"key {key}: found {value!r}. Allowed: a list of start and end.")
    start, end = value
    check_span(start, end, text, key)
    return start, end


def check_span(start: int, end: int, text: str, key: str) -> None:
    """Raise RowError for characters [start, end) that are none, or not within a text."""
    if not 0 <= start < end <= len(text):
        raise RowError(f"key {key}: found {start} to {end}. Allowed: within 0 to {len(text)}.")


def check_characters(row: Row) -> None:
    """Raise RowError for a text with half a character, which JSON can spell and UTF-8 cannot."""
    for key, value in row.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (half := _HALF.search(text)):
                raise RowError(
                    f"key {key}: found {half[0]!r}, half of a character (a lone surrogate), at "
                    f"character {half.start() + 1}. Allowed: whole characters."
                )


def label_of(row: Row, task: Task) -> int:
    """Return the number of the label in the column `label`; RowError for an unknown one."""
    return label_number(value_of(row, task, "label"), task, "label")


def label_number(value: Any, task: Task, key: str) -> int:
    """Return the number of a label: its place among the labels, or the value if that is it."""
    if _is_number_of_label(value, task.labels):
        return int(value)
    if str(value) not in task.labels:
        raise RowError(
            f"key {key}: unknown label {str(value)!r}.{did_you_mean(str(value), task.labels)} "
            f"Allowed: {few(task.labels)}."
        )
    return task.labels.index(str(value))


def _is_number_of_label(value: Any, labels: list[str]) -> bool:
    """Tell whether a value is a label's number: an integer, where no label is a number itself."""
    is_number = type(value) is int and 0 <= value < len(labels)
    return is_number and not any(label.lstrip("-").isdigit() for label in labels)
