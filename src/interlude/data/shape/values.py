"""Read values out of a source row: columns, parts of columns and templates, held to a type."""

from __future__ import annotations

import math
import re
from typing import Any

from interlude.errors import did_you_mean
from interlude.plan.tasks import Task

Row = dict[str, Any]

_FIELD = re.compile(r"\{([^{}]+)\}")


class RowError(Exception):
    """A row that breaks its form; the message names the key, what was found, what is allowed."""


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
    """Return a list that is not empty; tokens and tags may be one text, so that CSV can hold them.

    Such a text is cut at white space.
    """
    values = value.split() if isinstance(value, str) and key in ("tokens", "tags") else value
    if not isinstance(values, list) or not values:
        raise RowError(f"key {key}: found {value!r}. Allowed: a list that is not empty.")
    return values
