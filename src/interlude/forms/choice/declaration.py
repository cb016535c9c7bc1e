"""What a task file says of a text and its possible answers."""

from __future__ import annotations

from interlude.forms.declaration import COLUMN, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text": COLUMN,
        "choices": Column(
            "a column that holds a list, or a list of two or more columns", several=True
        ),
        "label": Column("the index of the right answer, or, with labels, its label"),
    },
    metrics=("accuracy",),
)
