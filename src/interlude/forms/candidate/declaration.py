"""Columns and metrics of the form: a question with a candidate; the best-scored one counts."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": TEXT,
        "text_b": TEXT,
        "label": COLUMN,
        "question_id": Column("what the candidates of one question share"),
        "answer": Column("the candidate that the row asks about"),
        "answers": Column("column with the list of right answers to the question"),
    },
    metrics=("record",),
)
