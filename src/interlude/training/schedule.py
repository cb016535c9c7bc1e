"""When a run steps, evaluates, reports and ends, and with which learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from interlude.plan.settings import Settings

CURVE_POINTS = 12  # losses in a learning curve, beside those at evaluations


@dataclass(frozen=True)
class Schedule:
    """The plan of a run, in optimiser steps from 1 on.

    steps: planned. evaluations: after which steps to evaluate, the last one among them.
    reports: points of the learning curve, all evaluations among them.
    """

    steps: int
    evaluations: frozenset[int]
    reports: frozenset[int]


def plan(steps_per_epoch: int, settings: Settings) -> Schedule:
    """Return the schedule of a run with so many batches in an epoch."""
    steps = planned_steps(steps_per_epoch, settings)
    every = settings.evaluate_every
    evaluations = (
        frozenset(range(every, steps + 1, every))
        if every
        else evenly_spaced(steps, settings.evaluations)
    )
    return Schedule(steps, evaluations, evaluations | evenly_spaced(steps, CURVE_POINTS))


def planned_steps(steps_per_epoch: int, settings: Settings) -> int:
    """Return the number of optimiser steps, at least 1.

    As many as the settings name, or else whole batches per epoch times epochs. With evaluations
    every so many steps, this is rounded up to a multiple of that, so that the run ends with an
    evaluation (Pruksachatkun et al. 2020).
    """
    steps = settings.steps or max(1, round(steps_per_epoch * settings.epochs))
    every = settings.evaluate_every or 1
    return math.ceil(steps / every) * every


def evenly_spaced(n_steps: int, points: int) -> frozenset[int]:
    """Return at most `points` steps of 1..n_steps, evenly spaced, the last among them."""
    return frozenset(max(1, round(n_steps * (i + 1) / points)) for i in range(points))


def learning_rate_factor(step: int, n_steps: int, warmup: float) -> float:
    """Return the share of the peak learning rate: linear warm-up, then linear decay to 0."""
    rising = warmup * n_steps
    if step < rising:
        return (step + 1) / (rising + 1)
    return (n_steps - step) / max(1.0, n_steps - rising)


def out_of_patience(scores: Sequence[float], patience: int | None) -> bool:
    """Return whether none of the last `patience` scores is above the best one before them."""
    if patience is None or not scores:
        return False
    return len(scores) - 1 - scores.index(max(scores)) >= patience
