"""Columns and metrics of the form: a question with one of its answers; several may be right."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": TEXT,
        "text_b": TEXT,
        "label": COLUMN,
        "question_id": Column("what the answer options of one question share"),
    },
    metrics=("multirc",),
)
