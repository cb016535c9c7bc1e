"""What follows a round of trainings, as a file that the plan reads, with a row per source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from interlude.errors import InputError
from interlude.files import written_atomically

COLUMNS = ["source", "restarts", "ends"]


@dataclass(frozen=True)
class Decision:
    """The sources that are trained from, the best first, and how many restarts they are to have.

    ends: why nothing more is trained; empty where another round follows.
    """

    kept: list[str]
    restarts: int
    ends: str = ""


def write_decision(decision: Decision, path: Path) -> None:
    """Write a decision as CSV, in a whole or not at all."""
    with written_atomically(path) as draft, draft.open("w", encoding="utf8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([name, decision.restarts, decision.ends] for name in decision.kept)


def read_decision(path: Path) -> Decision:
    """Read a decision; InputError for a file that is no such, or names no source."""
    with path.open(encoding="utf8", newline="") as file:
        rows = list(csv.reader(file))
    whole = rows[:1] == [COLUMNS] and len(rows) > 1 and all(len(row) == 3 for row in rows)
    if not whole or not all(row[1].isdecimal() for row in rows[1:]):
        raise InputError(f"{path}: not a whole decision. Delete it and run again.")
    return Decision([row[0] for row in rows[1:]], int(rows[1][1]), rows[1][2])
