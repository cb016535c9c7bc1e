"""Columns and metrics of the form: a text and its possible answers."""

from __future__ import annotations

from interlude.forms.declaration import TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "choices": Column(
            "a column that holds a list, or a list of two or more columns",
            several=True,
        ),
        "label": Column("the index of the right answer, or, with labels, its label"),
    },
    metrics=("accuracy", "evaluate"),
)
