"""Words and a tag for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.columns import TEXTS, WHOLES, Agreed, Columns
from interlude.forms.examples import Row
from interlude.forms.listed import looks_listed
from interlude.forms.names import is_missing
from interlude.forms.tagging.schemes import in_bio
from interlude.forms.values import (
    MissingError,
    RowError,
    Task,
    as_text,
    label_number,
    listed,
    value_of,
)


def _normalised(row: Row, task: Task) -> Row:
    tokens = [as_text(token, "key tokens") for token in _words(row, task, "tokens")]
    tags = _words(row, task, "tags")
    if len(tokens) != len(tags):
        raise RowError(f"key tags: found {len(tags)} tags for {len(tokens)} tokens.")
    return {"tokens": tokens, "tags": [label_number(tag, task, "tags") for tag in tags]}


def _words(row: Row, task: Task, key: str) -> list[Any]:
    """Return a list, which may be one text, so that CSV can hold it: it is cut at white space,
    unless it is the print of a list. No tag begins with a bracket; words may.
    """
    value = value_of(row, task, key)
    if isinstance(value, str):
        is_list = looks_listed(value) or (key == "tags" and value.lstrip().startswith("["))
        value = value if is_list else value.split()
    if value == []:  # a sentence without a word, as at the end of some published files
        raise MissingError(key)
    words = listed(value, key)
    for place, word in enumerate(words, start=1):
        if is_missing(word):
            raise MissingError(key, f"item {place}")
    return words


def _as_scored(names: list[str], rows: Sequence[list[int]], metric: str) -> Agreed:
    """Write entities as BIO where they are scored: only all tags together show their scheme."""
    return in_bio(names, rows) if metric == "entity_f1" else (names, list(rows))


COLUMNS = Columns(
    _normalised,
    {"tokens": TEXTS, "tags": WHOLES},
    unseen=frozenset({"tags"}),
    label="tags",
    labels=_words,
    agreed=_as_scored,
)
