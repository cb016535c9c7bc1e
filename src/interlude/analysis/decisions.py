"""What follows a round of trainings, as a file that the plan reads.

Of a recommendation a row per source, of a study that stops when it knows a row per cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from interlude.errors import InputError
from interlude.files import written_atomically
from interlude.words import Scored

COLUMNS = ["source", "restarts", "ends"]
# Of a look at cells: how many restarts they had, the interval of the difference at the look's
# level, in points, and why the cell gets no further restarts; empty where it does.
LOOK = (
    *("arm", "against", "role", "source", "task", "restarts", "level", "negligible"),
    *("delta", "low", "high", "stopped"),
)


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


def read_stopped(path: Path) -> dict[Scored, tuple[int, str]]:
    """Read the cells that were stopped at looks -> their restarts, and why.

    InputError for a file that is no such.
    """
    with path.open(encoding="utf8", newline="") as file:
        names, *rows = [*csv.reader(file)] or [[]]
    whole = tuple(names) == LOOK and all(len(row) == len(LOOK) for row in rows)
    looks = [dict(zip(LOOK, row, strict=True)) for row in rows] if whole else []
    if not whole or not all(row["restarts"].isdecimal() for row in looks):
        raise InputError(f"{path}: not a whole decision. Delete it and run again.")
    return {
        (row["arm"], row["role"], row["source"], row["task"]): (
            int(row["restarts"]),
            row["stopped"],
        )
        for row in looks
        if row["stopped"]
    }


def restarts_of_stopped(looks: Iterable[Path]) -> dict[Scored, int]:
    """Read the cells that were stopped at some looks -> after how many restarts."""
    stopped = {cell: ends for file in looks for cell, ends in read_stopped(file).items()}
    return {cell: restarts for cell, (restarts, _) in stopped.items()}
