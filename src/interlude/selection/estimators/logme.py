"""LogME: the log evidence of a Bayesian linear model of the labels, per row."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from interlude.selection.estimators import CHOICES, CLASSES, NUMBERS, Estimator, Labelled

GRID = np.linspace(-30.0, 15.0, 91)  # natural logs of λ, over the largest eigenvalue of F'F


def logme(features: np.ndarray, targets: np.ndarray) -> float:
    """Return the largest log evidence per row and target, mean over the targets.

    features [rows, width], targets [rows, targets]. You et al. 2021: y ~ N(Fw, 1/β), w ~ N(0, 1/α),
    where α and β are those of the largest evidence. For λ = α/β the best β is known; what is
    maximised is a function of λ alone, over the whole of its range, where the fixed point of the
    paper may end at a lower one of two maxima.
    """
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    squares, largest = singular**2, singular[0] ** 2
    weights = (left.T @ targets) ** 2
    outside = np.maximum((targets**2).sum(0) - weights.sum(0), 0)
    evidences = [
        _largest(squares / largest, weight, rest, len(features))
        for weight, rest in zip(weights.T, outside, strict=True)
    ]
    return float(np.mean(evidences)) / len(features)


def _largest(squares: np.ndarray, weight: np.ndarray, outside: float, rows: int) -> float:
    """Return the largest log evidence of one target.

    squares: eigenvalues of F'F, weight: what the target has along each, outside: along none.
    """

    def evidence(log_ratio: float) -> float:
        kept = 1 / (1 + squares * np.exp(-log_ratio))  # λ / (λ + s²)
        rest = outside + weight @ kept
        return float(-rows / 2 * np.log(2 * np.pi * np.e * rest / rows) + np.log(kept).sum() / 2)

    best = max(GRID, key=evidence)
    step = GRID[1] - GRID[0]
    optimum = minimize_scalar(lambda x: -evidence(x), bounds=(best - step, best + step))
    return max(evidence(best), -float(optimum.fun))


def _value(rows: Labelled) -> float:
    """Return that of the numbers, or of one class against the rest, mean over the classes."""
    if rows.kind == NUMBERS:
        return logme(rows.features, rows.labels[:, None])
    return logme(rows.features, (rows.labels[:, None] == np.unique(rows.labels)).astype(float))


ESTIMATOR = Estimator(
    paper="You et al. 2021, LogME",
    serves=(CLASSES, CHOICES, NUMBERS),
    value=_value,
)
