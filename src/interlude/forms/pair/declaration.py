"""Columns and metrics of the form: two texts and their label."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, TEXT, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": TEXT,
        "text_b": TEXT,
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
