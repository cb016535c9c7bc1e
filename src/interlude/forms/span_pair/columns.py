"""A text with two spans and their label."""

from __future__ import annotations

from interlude.forms.columns import SPANS_TYPES, WHOLE, Columns, text_with_spans
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_of


def _normalised(row: Row, task: Task) -> Row:
    return {**text_with_spans(row, task), "label": label_of(row, task)}


COLUMNS = Columns(_normalised, {**SPANS_TYPES, "label": WHOLE})
