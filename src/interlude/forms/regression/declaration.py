"""What a task file says of two texts and a number."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": COLUMN,
        "text_b": COLUMN,
        "value": Column("column with a number"),
    },
    metrics=("pearson_spearman",),
)
