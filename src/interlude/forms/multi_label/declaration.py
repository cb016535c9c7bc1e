"""Columns and metrics of the form: a text with any number of labels."""

from __future__ import annotations

from interlude.forms.declaration import TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "labels": Column("column with one label, or with a list of them, which may be empty"),
    },
    metrics=("micro_f1",),
)
