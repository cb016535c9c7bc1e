"""When a run steps, evaluates and stops."""

from __future__ import annotations

import numpy as np
import pytest

from interlude.plan.settings import Settings
from interlude.training.batches import OneTask
from interlude.training.schedule import (
    evenly_spaced,
    learning_rate_factor,
    out_of_patience,
    plan,
    planned_steps,
)


@pytest.mark.parametrize(
    ("examples", "batch_size", "epochs", "steps"),
    [(24, 8, 2, 6), (25, 8, 2, 8), (1, 8, 1, 1), (100, 8, 0.5, 6), (100, 8, 0.01, 1), (8, 8, 1, 1)],
)
def test_planned_steps(examples: int, batch_size: int, epochs: float, steps: int) -> None:
    per_epoch = OneTask().steps_per_epoch([examples], batch_size)
    assert planned_steps(per_epoch, Settings(epochs=epochs, batch_size=batch_size)) == steps


@pytest.mark.parametrize(
    ("steps", "points", "wanted"),
    [
        (10, 1, {10}),
        (10, 2, {5, 10}),
        (12, 3, {4, 8, 12}),
        (10, 3, {3, 7, 10}),
        (3, 10, {1, 2, 3}),
        (1, 1000, {1}),
    ],
)
def test_evenly_spaced_steps(steps: int, points: int, wanted: set[int]) -> None:
    assert evenly_spaced(steps, points) == wanted


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("points", [1, 3, 12])
def test_spaces_between_steps_differ_by_one_at_most(steps: int, points: int) -> None:
    chosen = sorted(evenly_spaced(steps, points))
    assert chosen[-1] == steps
    assert len(chosen) == min(steps, points)
    gaps = np.diff([0, *chosen])
    assert gaps.max() - gaps.min() <= 1


@pytest.mark.parametrize("warmup", [0.0, 0.06, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 10, 333])
def test_learning_rate_rises_then_falls_and_never_is_0(steps: int, warmup: float) -> None:
    factors = [learning_rate_factor(step, steps, warmup) for step in range(steps)]
    peak = int(np.argmax(factors))
    assert all(0 < factor <= 1 for factor in factors)
    assert (np.diff(factors[: peak + 1]) > 0).all()
    assert (np.diff(factors[peak:]) < 0).all()
    assert abs(peak - warmup * steps) <= 1


def test_learning_rate_of_a_small_schedule() -> None:
    found = [learning_rate_factor(step, 10, 0.2) for step in range(11)]
    assert found == pytest.approx(
        [1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0]
    )


@pytest.mark.parametrize(
    ("examples", "settings", "steps"),
    [
        # Facts of the published study: examples, batch size, epochs, interval; worked by hand.
        (250, {"batch_size": 4, "epochs": 40, "evaluate_every": 60}, 2520),  # CB: 63 x 40
        (400, {"batch_size": 32, "epochs": 40, "evaluate_every": 100}, 600),  # COPA: 13 x 40 = 520
        (554, {"batch_size": 32, "epochs": 40, "evaluate_every": 130}, 780),  # WSC: 18 x 40 = 720
        (5428, {"batch_size": 32, "epochs": 10, "evaluate_every": 1000}, 2000),  # WiC: 1,700
        (2490, {"batch_size": 4, "epochs": 10, "evaluate_every": 625}, 6250),  # RTE: 6,230
        (958, {"batch_size": 4, "steps": 10_000, "evaluate_every": 100}, 10_000),  # DPR
        (958, {"batch_size": 4, "steps": 17}, 17),
        (24, {"batch_size": 8, "steps": 1, "evaluate_every": 9}, 9),
    ],
)
def test_planned_steps_are_a_multiple_of_the_evaluation_interval(
    examples: int, settings: dict[str, int], steps: int
) -> None:
    per_epoch = OneTask().steps_per_epoch([examples], settings["batch_size"])
    schedule = plan(per_epoch, Settings(**settings))  # type: ignore[arg-type]
    assert schedule.steps == steps
    every = settings.get("evaluate_every")
    if every:
        assert sorted(schedule.evaluations) == list(range(every, steps + 1, every))
    assert steps in schedule.evaluations <= schedule.reports


def test_a_long_interval_leaves_points_for_the_learning_curve() -> None:
    schedule = plan(100, Settings(batch_size=10, epochs=12, evaluate_every=600))
    assert schedule.evaluations == {600, 1200}
    assert schedule.reports == set(range(100, 1201, 100))


@pytest.mark.parametrize(
    ("scores", "patience", "stops"),
    [
        ([], 1, False),
        ([0.5], 1, False),
        ([0.5, 0.5], 1, True),
        ([0.5, 0.6], 1, False),
        ([0.5, 0.6, 0.6, 0.5], 3, False),
        ([0.5, 0.6, 0.6, 0.5, 0.6], 3, True),
        ([0.5, 0.4, 0.3, 0.6], 3, False),
        ([-0.1, -0.2, -0.3], 2, True),
        ([0.9] * 50, None, False),
    ],
)
def test_patience_counts_evaluations_without_a_higher_score(
    scores: list[float], patience: int | None, stops: bool
) -> None:
    assert out_of_patience(scores, patience) == stops
