"""Columns and metrics of the form: a text, a span of it, and the spans to choose from."""

from __future__ import annotations

from interlude.forms.declaration import TEXT, Column, Declaration

DECLARATION = Declaration(
    columns={
        "text": TEXT,
        "span": Column(
            "the span that is asked about, as those of choices; left out, the text as a whole is",
            optional=True,
            kind="span",
        ),
        "choices": Column(
            "column with a list of spans [start, end], characters of the text, end exclusive; or a "
            "list of two or more columns with one each, or of {start, end} or {start, text}",
            several=True,
            kind="span",
        ),
        "label": Column(
            "the index of the right span; with labels, its label; or true or false of each, in a "
            "column with a list, or in as many columns: at most one is right",
            several=True,
        ),
    },
    metrics=("accuracy", "evaluate"),
)
