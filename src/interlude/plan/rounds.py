"""The trainings of the rounds by which a start is chosen."""

from __future__ import annotations

from collections.abc import Iterable

from interlude.plan.cells import Cell
from interlude.plan.planner import TARGET, Plan
from interlude.plan.study import Study
from interlude.words import NO_SOURCE


def cells_to_choose_from(study: Study, plan: Plan, task: str) -> list[Cell]:
    """Return the cells of a task by which a start may be chosen: the grid, with the task alone."""
    main = next(each for each in study.contrasts if each.sourced)
    return [
        cell
        for cell in plan.cells
        if (cell.role, cell.task, cell.examples, cell.task_examples) == (TARGET, task, None, None)
        and cell.source != task
        and cell.arm == (main.against if cell.source == NO_SOURCE else main.arm)
    ]


def cells_of_rounds(cells: Iterable[Cell], rounds: Iterable[tuple[list[str], int]]) -> list[Cell]:
    """Return the cells of rounds of (sources, restarts), each with those of the task alone."""
    wanted = {
        (source, restart)
        for sources, restarts in rounds
        for source in (*sources, NO_SOURCE)
        for restart in range(1, restarts + 1)
    }
    return [cell for cell in cells if (cell.source, cell.restart) in wanted]


def trainings_behind(cells: Iterable[Cell], plan: Plan) -> set[str]:
    """Return the ids of the trainings that cells are read from, and of those they began with."""
    ids: set[str] = set()
    for cell in cells:
        id: str | None = cell.training
        while id is not None and id not in ids:
            ids.add(id)
            id = plan.trainings[id].start
    return ids
