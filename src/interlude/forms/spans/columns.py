"""A text with one span or two, a set of labels, and what the targets of a sentence share."""

from __future__ import annotations

from interlude.forms.columns import SPANS_TYPES, TEXT, WHOLES, Columns, text_with_spans
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_number, name_of


def _normalised(row: Row, task: Task) -> Row:
    with_spans = text_with_spans(row, task)
    labels = [label_number(label, task, "labels") for label in COLUMNS.labels(row, task, "labels")]
    named = "group" in task.columns
    group = name_of(row, task, "group") if named else with_spans["text"]
    return {**with_spans, "labels": labels, "group": group}


COLUMNS = Columns(
    _normalised,
    {**SPANS_TYPES, "labels": WHOLES, "group": TEXT},
    unseen=frozenset({"labels", "group"}),
    label="labels",
)
