"""Tasks that are made of another's rows: controls and simpler twins, the same each time."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from typing import Any

from interlude.forms.examples import Row
from interlude.plan.tasks import Task
from interlude.plan.transforms import ENDINGS_ONLY, SHUFFLED_LABELS, SHUFFLED_WORDS, TARGETS, TEXTS

Parts = dict[str, list[Row]]  # normalised rows of train and validation


def transformed(task: Task, parts: Parts) -> Parts:
    """Return the rows of a task as its key `transform` says; as they are without it.

    shuffled-words: the words of each text in a random order, in both parts. shuffled-labels: in
    train, the labels (or values) of the rows dealt out to others; those of validation stay, so that
    what is learnt in spite of them can be measured. endings-only: choices without their text. What
    is random follows from the ids of rows, and from nothing else.
    """
    if task.transform == SHUFFLED_WORDS:
        return {part: [_with_words_shuffled(row) for row in rows] for part, rows in parts.items()}
    if task.transform == SHUFFLED_LABELS:
        return parts | {"train": _with_labels_shuffled(parts["train"])}
    if task.transform == ENDINGS_ONLY:
        return {part: [row | {"text": ""} for row in rows] for part, rows in parts.items()}
    return parts


def _with_words_shuffled(row: Row) -> Row:
    return row | {
        name: _shuffled(row[name], f"{row['id']} {name}") for name in TEXTS if row.get(name)
    }


def _shuffled(text: Any, seed: str) -> Any:
    if isinstance(text, list):
        return [_shuffled(each, f"{seed} {number}") for number, each in enumerate(text)]
    words = text.split()
    random.Random(seed).shuffle(words)  # noqa: S311  a seed of text is hashed
    return " ".join(words)


def _with_labels_shuffled(rows: list[Row]) -> list[Row]:
    """Return rows with the targets of others, of rows with as many choices where they have some."""
    alike: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        alike[len(row.get("choices") or [])].append(place)
    target = next(name for name in TARGETS if name in rows[0])
    targets = [row[target] for row in rows]
    dealt = {
        place: targets[other]
        for places in alike.values()
        for place, other in zip(places, sorted(places, key=lambda at: _hash(rows[at])), strict=True)
    }
    return [row | {target: dealt[place]} for place, row in enumerate(rows)]


def _hash(row: Row) -> bytes:
    return hashlib.sha256(str(row["id"]).encode()).digest()
