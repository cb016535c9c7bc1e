"""The cells that are trained until a look at them; the tables have no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from interlude.plan.cells import Cell
from interlude.words import LOOKS, ROLES, Contrast, Scored

INTERMEDIATE = ROLES[0]


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
