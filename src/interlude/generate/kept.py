"""Finished batches on disk, so that an interrupted generation goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlude.files import write_json
from interlude.plan.trainings import digest_of


@dataclass(frozen=True)
class Kept:
    """The batches of one generation, each in a file that is written whole or not at all.

    folder: named by a digest of all that decides what is made, so that batches of another
    generation are never used.
    """

    folder: Path

    @classmethod
    def of(cls, above: Path, decided_by: Any) -> Kept:
        """Return those below a folder. decided_by: what decides the batches; fits into JSON."""
        return cls(above / digest_of(decided_by))

    def get(self, number: int, make: Callable[[], list[list[str]]]) -> list[list[str]]:
        """Return the endings of a batch: kept ones, else made ones, which are kept from then on."""
        path = self.folder / f"{number:05}.json"
        try:
            kept: list[list[str]] = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            kept = make()
            write_json(path, kept)
        return kept

    @property
    def finished(self) -> int:
        """How many batches there are."""
        return len(list(self.folder.glob("[0-9]*.json")))
