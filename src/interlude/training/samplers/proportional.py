"""In proportion to size up to a limit, so that the largest tasks do not drown the others."""

from __future__ import annotations

import numpy as np

from interlude.training.samplers import shuffled

LIMIT = 16_384  # examples of a task in an epoch, as K in Raffel et al. 2020, section 3.5.2


def proportional(sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw all examples of each task, LIMIT of them at most."""
    return shuffled(np.minimum(sizes, LIMIT), rng)
