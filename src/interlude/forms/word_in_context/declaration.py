"""Columns and metrics of the form: two texts with a word in each, and whether it means the same."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": TEXT,
        "text_b": TEXT,
        "start_a": Column("column with the first character of the word in text_a"),
        "end_a": Column("column with the character after it"),
        "start_b": Column("column with the first character of the word in text_b"),
        "end_b": Column("column with the character after it"),
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
