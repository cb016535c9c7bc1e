"""What a task file says of two texts and their label."""

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
