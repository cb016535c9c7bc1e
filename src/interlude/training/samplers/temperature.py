"""With shares between those of the sizes and equal ones."""

from __future__ import annotations

import numpy as np

TEMPERATURE = 2.0  # 1: shares as the sizes, without end: equal ones; as in Raffel et al. 2020


def temperature(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw as many examples as all tasks have, each from a task with share ~ size^(1 / T)."""
    weights = sizes ** (1 / TEMPERATURE)
    tasks: np.ndarray = rng.choice(len(sizes), size=sizes.sum(), p=weights / weights.sum())
    return tasks
