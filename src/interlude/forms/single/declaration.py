"""Columns and metrics of the form: a text and its label."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, TEXT, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
