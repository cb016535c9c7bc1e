"""Columns and metrics of the form: one text or two, and a number."""

from __future__ import annotations

from interlude.forms.declaration import TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text_a": TEXT,
        "text_b": Column(
            "the same of a second text, where there is one", optional=True, kind="text"
        ),
        "value": Column("column with a number"),
    },
    metrics=("pearson_spearman", "spearman", "evaluate"),
    numbers=True,
)
