"""What a task file says of two texts and their label."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, LABEL_METRICS, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": COLUMN,
        "text_b": COLUMN,
        "label": COLUMN,
    },
    metrics=LABEL_METRICS,
)
