"""How much work a plan is, before any data are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from interlude.plan.cells import SWEEP
from interlude.plan.planner import Plan
from interlude.plan.tasks import Task
from interlude.plan.trainings import Training


def planned_work(plan: Plan, tasks: Mapping[str, Task]) -> list[dict[str, Any]]:
    """Return an entry per role and data of a training: how many, how long, how many examples.

    Keys: role, task (of a mixture: all, joined by +); runs; epochs, steps, batch_size; limit
    (examples at most) and published (size of the official data), None where it is not known.
    Trainings that serve a sweep alone are left out.
    """
    kept = [each for id, each in plan.trainings.items() if plan.roles[id] != SWEEP]
    shapes = {each.id: (plan.roles[each.id], *_shape(each)) for each in kept}
    first = {shapes[each.id]: each for each in reversed(kept)}
    return list(_entries(Counter(shapes.values()), first, tasks))


def _shape(training: Training) -> tuple[Any, ...]:
    """Return what trainings of the same length have in common."""
    settings = training.settings
    return training.parts, settings.epochs, settings.steps, settings.batch_size


def _entries(
    alike: Mapping[Any, int], first: Mapping[Any, Training], tasks: Mapping[str, Task]
) -> Iterator[dict[str, Any]]:
    for (role, *shape), runs in alike.items():
        training = first[role, *shape]
        settings, parts = training.settings, training.parts
        yield {
            "role": role,
            "task": "+".join(part.task for part in parts),
            "runs": runs,
            "epochs": settings.epochs,
            "steps": settings.steps,
            "batch_size": settings.batch_size,
            "limit": _sum(part.examples for part in parts),
            "published": _sum(
                tasks[part.task].published.train if part.task in tasks else None for part in parts
            ),
        }


def _sum(numbers: Iterator[int | None]) -> int | None:
    """Return the sum; None when a number is not known."""
    known = list(numbers)
    return None if None in known else sum(number for number in known if number is not None)
