"""A text, its possible answers, and which of them is right."""

from __future__ import annotations

from typing import Any

from interlude.forms.columns import TEXT, TEXTS, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.values import RowError, Task, label_of, resolved, text_of, texts_of, whole_of


def _normalised(row: Row, task: Task) -> Row:
    choices = _choices(row, task)
    right = label_of(row, task) if task.labels else whole_of(row, task, "label")
    if not 0 <= right < len(choices):
        raise RowError(f"key label: found {right}. Allowed: 0 to {len(choices) - 1}.")
    return {"text": text_of(row, task, "text"), "choices": choices, "label": right}


def _choices(row: Row, task: Task) -> list[str]:
    """Return the choices: of one list-valued column, or one of each of several columns."""
    declared = task.columns["choices"]
    if isinstance(declared, list):
        return [str(resolved(row, each, "choices")) for each in declared]
    return texts_of(row, task, "choices")


def _unnamed(row: Row, task: Task, key: str) -> list[Any]:
    """Return no labels: where none are declared, the column holds the index of the right choice."""
    return []


COLUMNS = Columns(_normalised, {"text": TEXT, "choices": TEXTS, "label": WHOLE}, labels=_unnamed)
