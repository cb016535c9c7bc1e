"""Spans of a text in source rows: by their ends, or by their beginning and their text."""

from __future__ import annotations

from typing import Any

from interlude.forms.examples import Row
from interlude.forms.listed import parsed
from interlude.forms.names import whole_number
from interlude.forms.values import RowError, Task, check_span, resolved, shown

Span = tuple[int, int]  # characters, the end exclusive
ALLOWED = "a list of start and end, or a mapping of start and either end or text"


def span_of(row: Row, task: Task, key: str, text: str) -> Span:
    """Return the span of a text that a row has for a column; RowError where it is not in it."""
    return declared_span(row, task.columns[key], key, text)


def declared_span(row: Row, declared: Any, key: str, text: str) -> Span:
    """Return the span of a text for which a task file names a column, or columns of its parts."""
    if isinstance(declared, dict):
        value = {part: resolved(row, column, key) for part, column in declared.items()}
        return span_in(value, key, text)
    return span_in(resolved(row, declared, key), key, text)


def span_in(value: Any, key: str, text: str) -> Span:
    """Return the span of a value: a list [start, end], or a mapping with its parts."""
    if isinstance(value, str):
        value = parsed(value) or value
    match value:
        case [start, end] | {"start": start, "end": end}:
            span = _character(start, key), _character(end, key)
        case {"start": start, "text": str(words)}:
            first = _character(start, key)
            span = first, first + len(words)
            if (there := text[slice(*span)]) != words:
                found = f"found {shown(words)} at {first}, where the text has {shown(there)}"
                raise RowError(f"key {key}: {found}. Allowed: the text of the span as it stands.")
        case _:
            raise RowError(f"key {key}: found {shown(value)}. Allowed: {ALLOWED}.")
    check_span(*span, text, key)
    return span


def _character(value: Any, key: str) -> int:
    """Return a place in a text, which may be written as text."""
    number = whole_number(value)
    if number is None:
        raise RowError(f"key {key}: found {shown(value)}. Allowed: a whole number.")
    return number
