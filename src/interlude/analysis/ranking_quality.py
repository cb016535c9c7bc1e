"""How good an order of sources is: NDCG and regret in the definitions that are in use.

`scores` are what the sources reach on a target, `values` what a method gives them, higher for
better. Sources of equal value stand in random order: all functions return the expectation over it,
so that a method which gives all the same is exactly the random one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

Array = np.ndarray
TOP = (1, 3, 5)  # how many sources a user would try
PERCENT = 100


class Measure(NamedTuple):
    """A number of an order: metric, its definition, and how many of the first sources it reads."""

    metric: str
    definition: str
    k: int | None = None

    @property
    def title(self) -> str:
        """The head of a column."""
        return f"{self.metric}{'' if self.k is None else f'@{self.k}'} ({self.definition})"


BEST, MEAN = "best of top k", "mean of top k"
# Of NDCG, what a source that reaches s points adds. A score below 0 adds nothing.
GAINS: dict[str, Callable[[Array], Array]] = {
    "gain 2^(100·score) − 1": lambda scores: 2 ** np.clip(scores, 0, None) - 1,
    # In units of the largest, which of a thousand sources would be no finite number.
    "gain 2^rank − 1": lambda scores: 2 ** (_rank(scores) - len(scores)) - 2.0 ** -len(scores),
    "gain score": lambda scores: np.clip(scores, 0, None),
}
# With the run without transfer: as Schulte et al. 2024, in the best alone; or as a candidate, too.
TO_BEAT, RANKED = ", none to beat", ", none ranked"


def measures(scores: Array, values: Array) -> dict[Measure, float]:
    """Return all measures of an order of two or more sources, in per cent.

    scores, values: shape (sources,), scores in points. Regret@k is of as many sources as there are
    more of; see `regret` and `mean_regret`.
    """
    values_of: dict[Measure, float] = {}
    for k in tops(len(scores)):
        values_of[Measure("regret", BEST, k)] = regret(scores, values, k)
        values_of[Measure("regret", MEAN, k)] = mean_regret(scores, values, k)
    for definition, gain in GAINS.items():
        values_of[Measure("ndcg", definition)] = ndcg(gain(scores), values)
    values_of[Measure("kendall", "tau-b")] = _correlation(_tau, scores, values)
    values_of[Measure("spearman", "rho")] = _correlation(_rho, scores, values)
    return {measure: PERCENT * value for measure, value in values_of.items()}


def tops(sources: int) -> list[int]:
    """Return the numbers of sources to try that leave some untried."""
    return [k for k in TOP if k < sources]


def regret(scores: Array, values: Array, k: int, best: float | None = None) -> float:
    """Return how far the best of the first k is below the best of all, relative to that.

    best: what is reached at best, where that is not among the scores. Poth et al. 2021, Schulte et
    al. 2024. Missing where the best is not above 0.
    """
    most = float(scores.max()) if best is None else best
    return (most - best_of_top(scores, values, k)) / most if most > 0 else math.nan


def mean_regret(scores: Array, values: Array, k: int) -> float:
    """Return how far the mean of the first k is below that of the best k, relative to that.

    Kim et al. 2023 (TaskWeb). Missing where the mean of the best k is not above 0.
    """
    most = float(np.sort(scores)[-k:].mean())
    sure, tied, drawn = _top(scores, values, k)
    mean = (sure.sum() + drawn * tied.mean()) / k
    return float(most - mean) / most if most > 0 else math.nan


def best_of_top(scores: Array, values: Array, k: int) -> float:
    """Return the expected best score among the k sources of the highest values."""
    sure, tied, drawn = _top(scores, values, k)
    falling = np.sort(tied)[::-1][: len(tied) - drawn + 1]
    # The i-th best of the tied ones is the best of those drawn: it is drawn, and none above it.
    ways = [math.comb(len(tied) - 1 - place, drawn - 1) for place in range(len(falling))]
    chances = np.array([way / math.comb(len(tied), drawn) for way in ways])
    return float(chances @ np.maximum(falling, sure.max(initial=-math.inf)))


def ndcg(gains: Array, values: Array) -> float:
    """Return the discounted gain of an order over that of the best one; missing without any gain.

    Järvelin and Kekäläinen 2002, with 1 / log2(place + 1), over all sources.
    """
    ideal = _discounted(gains, gains)
    return _discounted(gains, values) / ideal if ideal > 0 else math.nan


def _discounted(gains: Array, values: Array) -> float:
    discounts = 1 / np.log2(np.arange(len(gains)) + 2)
    _, group, sizes = np.unique(-values, return_inverse=True, return_counts=True)
    means = np.bincount(group, gains) / sizes
    return float(means @ np.add.reduceat(discounts, np.cumsum(sizes) - sizes))


def _top(scores: Array, values: Array, k: int) -> tuple[Array, Array, int]:
    """Return scores that are surely among the first k, those tied at the end, how many of them."""
    last = np.sort(values)[-k]
    sure = scores[values > last]
    return sure, scores[values == last], k - len(sure)


def _rank(scores: Array) -> Array:
    """Return how many sources are worse; of equals half."""
    return np.asarray(stats.rankdata(scores) - 1)


def _correlation(of: Callable[[Array, Array], float], scores: Array, values: Array) -> float:
    """Return a rank correlation: 0 for equal values, whose order is random; missing for scores."""
    if np.ptp(scores) == 0:
        return math.nan
    return 0.0 if np.ptp(values) == 0 else float(of(scores, values))


def _tau(scores: Array, values: Array) -> float:
    return float(stats.kendalltau(scores, values).statistic)


def _rho(scores: Array, values: Array) -> float:
    return float(np.corrcoef(_rank(scores), _rank(values))[0, 1])
