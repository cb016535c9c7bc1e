"""A cell: one score of a study, and the training that it is read from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from interlude.errors import InputError
from interlude.words import ADDED, KEY, NO_SOURCE, Scored

COLUMNS = (*KEY, "id")
# These stand as arm where a training only serves to choose settings, or a source by few steps; no
# name of an arm has a blank.
SWEEP, FEW_SHOT = "sweep", "few shot"


@dataclass(frozen=True)
class Cell:
    """One score: how the task was reached (arm, source), in which role, in which trial.

    examples: what the source was cut to; None for as many as its settings say. point: number of
    the settings in the study's grid, from 1; None without a grid. training: the id. task_examples:
    what the task itself was cut to, as `examples`.
    """

    arm: str
    role: str
    source: str
    examples: int | None
    task: str
    restart: int | None
    point: int | None
    training: str
    task_examples: int | None = None

    @property
    def scored(self) -> Scored:
        """What its restarts are repetitions of: arm, role, source, task."""
        return self.arm, self.role, self.source, self.task

    @property
    def name(self) -> str:
        """What people call the cell."""
        own = self.source == NO_SOURCE
        source = self.source + _cut_to(None if own else self.examples)
        task = self.task + _cut_to(self.examples if own else None) + _cut_to(self.task_examples)
        words = f"{self.arm} {self.role}: {source} > {task}"
        words += "" if self.restart is None else f", restart {self.restart}"
        return words + ("" if self.point is None else f", point {self.point}")


def scored(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells of tables of results: those that do not only serve a choice."""
    return [cell for cell in cells if cell.arm not in (SWEEP, FEW_SHOT)]


def tried(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells of the sweep."""
    return [cell for cell in cells if cell.arm == SWEEP]


def to_csv(cells: Iterable[Cell]) -> str:
    """Return `plan.csv`: a line per cell, in the order of the plan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_as_row(cell) for cell in cells)
    return text.getvalue()


def _as_row(cell: Cell) -> list[object]:
    values = [*(getattr(cell, name) for name in KEY), cell.training]
    return ["" if value is None else value for value in values]


def read_plan(path: Path) -> Iterator[Cell]:
    """Yield the cells of a `plan.csv`; InputError when it is missing, cut or something else."""
    try:
        with path.open(encoding="utf8", newline="") as file:
            yield from read_rows(file, str(path))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. `snakemake plan` writes it.") from None


def read_rows(lines: Iterable[str], where: str) -> Iterator[Cell]:
    """Yield the cells of the text of a `plan.csv`; where: what it is, in messages."""
    reader = csv.DictReader(lines, restval=None)
    names = reader.fieldnames or ()
    if [*names] != [each for each in COLUMNS if each in names or each not in ADDED]:
        listed = ", ".join(names) or "nothing"
        raise InputError(f"{where}: found the columns {listed}. Allowed: {', '.join(COLUMNS)}.")
    for row in reader:
        yield _read(row, f"{where}: line {reader.line_num}")


def _read(row: dict[str, str], where: str) -> Cell:
    try:
        return Cell(
            arm=row["arm"],
            role=row["role"],
            source=row["source"],
            examples=_number(row["examples"]),
            task=row["task"],
            restart=_number(row["restart"]),
            point=_number(row["point"]),
            training=row["id"].strip() or _refuse(),
            task_examples=_number(row.get("task_examples", "")),
        )
    except (ValueError, AttributeError):
        raise InputError(f"{where}: not a whole line. `snakemake plan` writes the file.") from None


def _cut_to(size: int | None) -> str:
    return "" if size is None else f" ({size})"


def _number(text: str) -> int | None:
    return int(text) if text else None


def _refuse() -> str:
    raise ValueError
