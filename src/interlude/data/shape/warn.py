"""What is worth a warning in normalised data: it is no fault, and a user should know of it.

By the facts in the manifest of a task, so that no data are made anew for other words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlude.errors import few

Counts = Mapping[str, int]


def warnings_of(manifest: Mapping[str, Any]) -> list[str]:
    """Return plain sentences on what may be wrong with the data that a manifest describes."""
    train, validation = (manifest["labels"][part] for part in ("train", "validation"))
    return [*_on_one_side(train, validation)]


def _on_one_side(train: Counts, validation: Counts) -> Iterator[str]:
    """Yield what is said of labels that only one part has; parts without labels have none."""
    ways = (
        ("train", train, validation, "validation says nothing of them"),
        ("validation", validation, train, "they can be predicted, and not be learnt"),
    )
    for part, here, there, effect in ways:
        if there and (alone := [name for name in here if name not in there]):
            count = sum(here[name] for name in alone)
            yield (
                f"labels that only {part} has: {few(alone)} ({count} of {sum(here.values())}); "
                f"{effect}"
            )
