"""The trainings of rounds: those that a start is chosen by, and those until a look at cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlude.plan.cells import Cell
from interlude.plan.planner import INTERMEDIATE, TARGET, Plan
from interlude.plan.study import Study
from interlude.words import LOOKS, NO_SOURCE, Contrast, Scored


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
    found: set[str] = set()
    for cell in cells:
        id: str | None = cell.training
        while id is not None and id not in found:
            found.add(id)
            id = plan.trainings[id].start
    return found


def looks_of(restarts: int) -> list[int]:
    """Return after how many restarts cells are looked at, of a study with so many in all."""
    return [number for number in LOOKS if number < restarts]


def until_look(
    cells: Iterable[Cell],
    contrasts: Iterable[Contrast],
    restarts: int,
    stopped: Mapping[Scored, int],
) -> list[Cell]:
    """Return the cells that are trained until a look after so many restarts.

    stopped: those that were stopped before -> their restarts. What another arm is compared with is
    a baseline, and has all its restarts before the first look; so has an arm in no contrast.
    """
    every, compared = list(cells), list(contrasts)
    arms = {each.arm for each in compared} - {each.against for each in compared}
    looked_at = [each.scored for each in every if each.arm in arms and each.role != INTERMEDIATE]
    return within(every, dict.fromkeys(looked_at, restarts) | dict(stopped))


def within(cells: Iterable[Cell], most: Mapping[Scored, int]) -> list[Cell]:
    """Return cells without the restarts beyond those that some of them have at most.

    Nor the scores of sources that nothing starts from then.
    """
    every = list(cells)
    ends = [each for each in every if each.role != INTERMEDIATE]
    kept = {
        each for each in ends if (each.restart or 0) <= most.get(each.scored, each.restart or 0)
    }
    sources = {(each.arm, each.source) for each in ends}
    begun = {(each.arm, each.source, each.restart) for each in kept}
    return [
        each
        for each in every
        if each in kept
        or (each.role == INTERMEDIATE and (each.arm, each.task) not in sources)
        or (each.role == INTERMEDIATE and (each.arm, each.task, each.restart) in begun)
    ]
