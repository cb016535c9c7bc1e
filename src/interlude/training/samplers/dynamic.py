"""More of the tasks that lag behind what they reach alone (Weller et al. 2022)."""

from __future__ import annotations

import numpy as np


def dynamic(
    sizes: np.ndarray, rng: np.random.Generator, lags: np.ndarray | None = None
) -> np.ndarray:
    """Draw as many examples as all tasks have, each from a task with its share."""
    tasks: np.ndarray = rng.choice(len(sizes), size=sizes.sum(), p=shares(sizes, lags))
    return tasks


def shares(sizes: np.ndarray, lags: np.ndarray | None = None) -> np.ndarray:
    """Return the share of each task in an epoch, float [tasks]: the softmax of its lag.

    lags: single-task score less current score, in 0..1; None before the first epoch, which goes by
    size.
    """
    weights = sizes if lags is None else np.exp(lags)
    found: np.ndarray = weights / weights.sum()
    return found
