"""Words and a tag for each."""

from __future__ import annotations

from typing import Any

from interlude.forms.columns import TEXTS, WHOLES, Columns
from interlude.forms.examples import Row
from interlude.forms.values import RowError, Task, label_number, listed, value_of


def _normalised(row: Row, task: Task) -> Row:
    tokens = [str(token) for token in _words(row, task, "tokens")]
    tags = _words(row, task, "tags")
    if len(tokens) != len(tags):
        raise RowError(f"key tags: found {len(tags)} tags for {len(tokens)} tokens.")
    return {"tokens": tokens, "tags": [label_number(tag, task, "tags") for tag in tags]}


def _words(row: Row, task: Task, key: str) -> list[Any]:
    """Return a list, which may be one text, so that CSV can hold it: it is cut at white space."""
    value = value_of(row, task, key)
    return listed(value.split() if isinstance(value, str) else value, key)


COLUMNS = Columns(
    _normalised,
    {"tokens": TEXTS, "tags": WHOLES},
    unseen=frozenset({"tags"}),
    label="tags",
    labels=_words,
)
