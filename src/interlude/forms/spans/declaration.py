"""Columns and metrics of the form: a text with one span or two, and any number of labels."""

from __future__ import annotations

from interlude.forms.declaration import SPAN, TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "span1": SPAN,
        "span2": Column("the same of a second span", optional=True, kind="span"),
        "labels": Column("column with one label, or with a list of them"),
        "group": Column(
            "what the targets of one sentence share; left out, its text", optional=True
        ),
    },
    metrics=("micro_f1",),
)
