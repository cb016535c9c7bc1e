"""A text, maybe a span that is asked about, the spans to choose from, and which is right."""

from __future__ import annotations

from typing import Any

from interlude.forms.columns import TEXT, WHOLE, WHOLES, Columns
from interlude.forms.examples import NO_CHOICE, Row
from interlude.forms.places import Span, declared_span, span_in, span_of
from interlude.forms.values import (
    RowError,
    Task,
    first_number,
    label_of,
    listed,
    resolved,
    shown,
    text_of,
    whole_of,
)

TRUTHS = {"true": True, "false": False, "1": True, "0": False}


def _normalised(row: Row, task: Task) -> Row:
    text = text_of(row, task, "text")
    asked = span_of(row, task, "span", text) if "span" in task.columns else (None, None)
    choices = _choices(row, task, text)
    starts, ends = map(list, zip(*choices, strict=True))
    return {
        "text": text,
        "span_start": asked[0],
        "span_end": asked[1],
        "choice_starts": starts,
        "choice_ends": ends,
        "label": _right(row, task, len(choices)),
    }


def _choices(row: Row, task: Task, text: str) -> list[Span]:
    """Return the spans of one column with a list of them, or of each of several columns."""
    declared = task.columns["choices"]
    if isinstance(declared, list):
        spans = [declared_span(row, each, "choices", text) for each in declared]
    else:
        values = listed(resolved(row, declared, "choices"), "choices")
        spans = [span_in(value, "choices", text) for value in values]
    if twice := next((span for span in spans if spans.count(span) > 1), None):
        raise RowError(f"key choices: found the span {list(twice)} twice. Allowed: each once.")
    return spans


def _right(row: Row, task: Task, count: int) -> int:
    """Return the place of the right span, NO_CHOICE where none is."""
    declared = task.columns["label"]
    if isinstance(declared, list):
        return _only_truth([resolved(row, each, "label") for each in declared], count)
    value = resolved(row, declared, "label")
    if isinstance(value, list):
        return _only_truth(value, count)
    if task.labels:
        right = label_of(row, task)
    else:
        right = whole_of(row, task, "label") - first_number(task)
    if not 0 <= right < count:
        first = first_number(task)
        allowed = f"{first} to {first + count - 1}"
        raise RowError(f"key label: found {right + first}. Allowed: {allowed}.")
    return right


def _only_truth(values: list[Any], count: int) -> int:
    truths = [TRUTHS.get(str(value).strip().lower()) for value in values]
    found = f"key label: found {shown(values, 300)}"
    if None in truths or len(truths) != count:
        raise RowError(f"{found}. Allowed: true or false for each of {count}.")
    if sum(map(bool, truths)) > 1:
        raise RowError(f"{found}. Allowed: at most one that is true.")
    return truths.index(True) if True in truths else NO_CHOICE


def _unnamed(row: Row, task: Task, key: str) -> list[Any]:
    """Return no labels: where none are declared, the column holds the place of the right span."""
    return []


COLUMNS = Columns(
    _normalised,
    {
        "text": TEXT,
        "span_start": WHOLE,
        "span_end": WHOLE,
        "choice_starts": WHOLES,
        "choice_ends": WHOLES,
        "label": WHOLE,
    },
    labels=_unnamed,
)
