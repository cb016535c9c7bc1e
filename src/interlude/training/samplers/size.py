"""All examples of each task: an epoch sees each example once."""

from __future__ import annotations

import numpy as np

from interlude.training.samplers import shuffled


def size(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw all examples of each task."""
    return shuffled(sizes, rng)
