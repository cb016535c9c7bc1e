"""Columns and metrics of the form: a question and a passage that holds its answer."""

from __future__ import annotations

from interlude.forms.declaration import TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "question": TEXT,
        "passage": TEXT,
        "start": Column("column with the first character of the answer in the passage"),
        "end": Column(
            "column with the character after it; left out, it follows from the first answer",
            optional=True,
        ),
        "answers": Column("column with the list of right answers, or with one"),
    },
    metrics=("qa_f1_em", "qa_f1", "evaluate"),
)
