"""A text and its label."""

from __future__ import annotations

from interlude.forms.columns import TEXT, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_of, text_of


def _normalised(row: Row, task: Task) -> Row:
    return {"text": text_of(row, task, "text"), "label": label_of(row, task)}


COLUMNS = Columns(_normalised, {"text": TEXT, "label": WHOLE})
