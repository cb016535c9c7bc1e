"""How alike a source and a target are, by what was read of each on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

RANKS = 60  # of a reciprocal rank, what is added to the rank: Cormack et al. 2009


def cosine(source: np.ndarray, target: np.ndarray) -> float:
    """Return the cosine of two vectors; 0 where one is nothing but zeros."""
    lengths = np.linalg.norm(source) * np.linalg.norm(target)
    return float(source @ target / lengths) if lengths else 0.0


def overlap(source: set[int], target: set[int]) -> float:
    """Return the share of tokens that both have of those that either has (Jaccard's index).

    As Schulte et al. 2024 use it.
    """
    return len(source & target) / len(source | target)


def fused(values: Sequence[Sequence[float]]) -> list[float]:
    """Return several rankings of the same sources as one, higher for a better source.

    values: of each ranking, what it gives each source, higher for better. Cormack et al. 2009: the
    sum of 1 / (60 + rank), ranks from 1; sources of equal value share the mean of theirs.
    """
    ranks = rankdata(-np.asarray(values, dtype=float), axis=-1)
    return [float(each) for each in (1 / (RANKS + ranks)).sum(0)]


def task_similarity(
    sources: Sequence[Mapping[str, np.ndarray]], target: Mapping[str, np.ndarray]
) -> list[float]:
    """Return how alike each source is to a target by task embeddings, fused over components.

    An embedding is component -> vector, the diagonal of the Fisher information there. Vu et al.
    2020: sources are ranked by the cosine of each component, and the ranks are fused.
    """
    cosines = [[cosine(each[name], target[name]) for each in sources] for name in sorted(target)]
    return fused(cosines)
