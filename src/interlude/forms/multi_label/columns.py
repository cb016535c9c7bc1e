"""A text and the set of its labels, which may be empty."""

from __future__ import annotations

from interlude.forms.columns import TEXT, WHOLES, Columns
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_number, text_of


def _normalised(row: Row, task: Task) -> Row:
    labels = [label_number(label, task, "labels") for label in COLUMNS.labels_of(row, task)]
    return {"text": text_of(row, task, "text"), "labels": sorted(set(labels))}


COLUMNS = Columns(
    _normalised,
    {"text": TEXT, "labels": WHOLES},
    unseen=frozenset({"labels"}),
    label="labels",
)
