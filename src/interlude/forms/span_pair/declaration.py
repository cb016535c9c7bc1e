"""Columns and metrics of the form: a text with two spans and their label."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, SPAN, TEXT, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "span1": SPAN,
        "span2": SPAN,
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
