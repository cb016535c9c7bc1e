"""Columns and metrics of the form: words and their tags."""

from __future__ import annotations

from interlude.forms.declaration import Column, Declaration

DECLARATION = Declaration(
    columns={
        "tokens": Column("column with the list of words, or with a text that is cut at blanks"),
        "tags": Column("column with a tag for each word, likewise"),
    },
    metrics=("entity_f1", "tag_accuracy", "tag_f1"),
    metric_shapes_rows=True,  # entities are written as BIO
)
