"""How a form's columns are made of source rows, and what forms share in that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.listed import looks_listed, parsed
from interlude.forms.places import span_of
from interlude.forms.values import RowError, Task, name_of, shown, text_of, value_of

TEXT, TEXTS = pa.string(), pa.list_(pa.string())
WHOLE, WHOLES, REAL = pa.int64(), pa.list_(pa.int64()), pa.float64()

Agreed = tuple[list[str], list[list[int]]]


def _labels_in(row: Row, task: Task, key: str) -> list[Any]:
    value = value_of(row, task, key, named=True)
    if key == "labels" and isinstance(value, str) and value not in task.labels:
        found = parsed(value)
        if found is None and looks_listed(value):
            raise RowError(f"key {key}: found {shown(value)}. Allowed: a label, or a list of them.")
        value = value if found is None else found
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True)
class Columns:
    """How the rows of a form are normalised.

    normalise: one source row -> the normalised columns; RowError when it breaks the form.
    types: of these columns, in their order in the file.
    unseen: those that a model is not shown: what is right, and what rows share.
    label: the column of the labels' numbers, one or a list; None for a form without labels.
    labels: (source row, task, that column) -> the labels of the row as they stand there.
    agreed: (names of the labels, their numbers in each row, metric) -> both as the metric wants
    them, once all rows are known; RowError where it can want none of them.
    """

    normalise: Callable[[Row, Task], Row]
    types: Mapping[str, pa.DataType]
    unseen: frozenset[str] = frozenset({"label"})
    label: str | None = "label"
    labels: Callable[[Row, Task, str], list[Any]] = _labels_in
    agreed: Callable[[list[str], Sequence[list[int]], str], Agreed] | None = None

    @property
    def has_classes(self) -> bool:
        """Whether a row has one label, which means the same in each; that of a choice does not."""
        return self.label == "label" and self.labels is _labels_in

    @property
    def schema(self) -> pa.Schema:
        """The columns of the normalised Parquet files."""
        return pa.schema([("id", TEXT), *self.types.items()])

    def labels_of(self, row: Row, task: Task) -> list[Any]:
        """Return the labels of a source row as they stand there: one, or several (tags, spans)."""
        return [] if self.label is None else self.labels(row, task, self.label)

    def numbers_of(self, row: Row) -> list[int]:
        """Return the numbers of the labels of a normalised row."""
        value = [] if self.label is None else row[self.label]
        return value if isinstance(value, list) else [value]

    def input_of(self, row: Row) -> list[Any]:
        """Return what a model sees of a normalised row."""
        return [value for name, value in row.items() if name not in {"id", *self.unseen}]


PAIR_TYPES = {"text_a": TEXT, "text_b": TEXT}
OPTION_TYPES = {**PAIR_TYPES, "label": WHOLE, "question_id": TEXT}
SPANS_TYPES = {
    "text": TEXT,
    **dict.fromkeys(("span1_start", "span1_end", "span2_start", "span2_end"), WHOLE),
}


def pair_of(row: Row, task: Task) -> Row:
    """Return the two texts of a row."""
    return {key: text_of(row, task, key) for key in PAIR_TYPES}


def question_of(row: Row, task: Task) -> str:
    """Return what identifies the question of a row."""
    return name_of(row, task, "question_id")


def text_with_spans(row: Row, task: Task) -> Row:
    """Return the text and one or two spans; the second is null where the task has only one."""
    text = text_of(row, task, "text")
    first = span_of(row, task, "span1", text)
    second = span_of(row, task, "span2", text) if "span2" in task.columns else (None, None)
    places = list(SPANS_TYPES)[1:]
    return {"text": text, **dict(zip(places, first + second, strict=True))}
