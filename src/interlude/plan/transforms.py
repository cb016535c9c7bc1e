"""What a task file can make of another task: names, and which rows they can be made of."""

from __future__ import annotations

from collections.abc import Collection

ENDINGS_ONLY = "endings-only"
SHUFFLED_WORDS = "shuffled-words"
SHUFFLED_LABELS = "shuffled-labels"
# Columns of rows that can be shuffled: no place in a text, and no label of a part of one.
TEXTS = ("text", "text_a", "text_b", "choices")
TARGETS = ("label", "labels", "value")


def fits(transform: str, columns: Collection[str]) -> bool:
    """Return whether rows of a form with these columns can be transformed so."""
    if transform == ENDINGS_ONLY:
        return {"text", "choices"} <= {*columns}
    return {*columns} <= {*TEXTS, *TARGETS} and not {*TARGETS}.isdisjoint(columns)
