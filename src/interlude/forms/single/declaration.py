"""What a task file says of a text and its label."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, Declaration

DECLARATION = Declaration(
    columns={
        "text": COLUMN,
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
