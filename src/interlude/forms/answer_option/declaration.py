"""What a task file says of a question with one of its answers, of which several may be right."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": COLUMN,
        "text_b": COLUMN,
        "label": COLUMN,
        "question_id": Column("what the answer options of one question share"),
    },
    metrics=("multirc",),
)
