"""Scores of predictions that use no input: the best constant, and guessing."""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

import numpy as np

from interlude.training.data import TaskData

GUESSING_ROUNDS = 20
ROUNDING = 1e-5  # relative, of fp32 through a few dozen layers


def reference_scores(data: TaskData) -> tuple[float, float]:
    """Return the score of the best constant prediction, and the mean score of guessing."""
    examples = data.validation_rows()
    gold = data.form.gold(examples)
    constants = data.form.constants(examples)
    majority = max(first_score(data.metric(predictions, gold)) for predictions in constants)
    rng = np.random.default_rng(0)
    guesses = [data.form.guesses(examples, rng) for _ in range(GUESSING_ROUNDS)]
    return majority, fmean(first_score(data.metric(predictions, gold)) for predictions in guesses)


def is_constant(data: TaskData, predictions: list[Any]) -> bool:
    """Return whether a predictor that looks at no input could have made these predictions.

    Numbers that differ by no more than rounding does between batches, in the unit in which the head
    computes, count as the same.
    """
    if isinstance(predictions[0], float):
        if data.form.scale is not None:
            predictions = data.form.scale.standard(predictions)
        return math.isclose(min(predictions), max(predictions), rel_tol=ROUNDING, abs_tol=ROUNDING)
    same = data.form.are_alike(predictions)
    return same or predictions in data.form.constants(data.validation_rows())


def first_score(scores: dict[str, float]) -> float:
    """Return the score that tables show, of all that a metric gives."""
    return next(iter(scores.values()))
