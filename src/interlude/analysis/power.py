"""How large a difference a t test finds: the power of Welch's test, and of the paired one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy import optimize, special, stats

# Nodes of Gauss' quadratures. Twice as many change no effect by a thousandth.
_NODES = 60


@cache
def smallest_effect(
    n: int,
    n_baseline: int,
    alpha: float,
    power: float,
    degrees: tuple[int, int] | None = None,
) -> float:
    """Return the smallest difference that Welch's test finds, in standard deviations of a run.

    n, n_baseline: runs on either side, whose true spread is equal; two or more. Two-sided at alpha.
    degrees: of freedom of both variances; None for one less than the runs.
    What the test estimates, both variances and with them its degrees of freedom, varies: it finds
    less than Student's test, which knows that the variances are equal.
    """
    one, other = degrees or (n - 1, n_baseline - 1)
    bounds, weights = _welch_bounds((n, one), (n_baseline, other), alpha)
    error = math.sqrt(1 / n + 1 / n_baseline)
    return error * _smallest_shift(bounds, weights, one + other, power)


@cache
def smallest_paired_effect(n: int, alpha: float, power: float, degrees: int | None = None) -> float:
    """Return the smallest mean difference that a paired t test of n pairs finds.

    In standard deviations of the difference of a pair. Two-sided at alpha. degrees: of freedom of
    their variance; None for n - 1.
    """
    freedom = degrees or n - 1
    bounds = np.array([stats.t.isf(alpha / 2, freedom)])
    return _smallest_shift(bounds, np.ones(1), freedom, power) / math.sqrt(n)


def _welch_bounds(
    side: tuple[int, int], baseline: tuple[int, int], alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what t, with both variances pooled, must exceed, and how probable each bound is.

    side, baseline: runs, and degrees of freedom of their variance.

    The share of the sum of squares that is the first side's follows a beta distribution, and does
    not depend on the sum. Welch's degrees of freedom and his error follow from this share.
    """
    (n, one), (n_baseline, other) = side, baseline
    places, weights = special.roots_jacobi(_NODES, other / 2 - 1, one / 2 - 1)
    share = (1 + places) / 2
    first, second = share / (n * one), (1 - share) / (n_baseline * other)
    freedom = (first + second) ** 2 / (first**2 / one + second**2 / other)
    pooled = (1 / n + 1 / n_baseline) / (one + other)
    bounds = stats.t.isf(alpha / 2, freedom) * np.sqrt((first + second) / pooled)
    return bounds, weights / weights.sum()


def _smallest_shift(bounds: np.ndarray, weights: np.ndarray, freedom: int, power: float) -> float:
    """Return the smallest mean of a noncentral t that lies beyond the bounds with this power."""
    normal, density = special.roots_hermitenorm(_NODES)
    normal, density = normal[:, None], density / density.sum()
    # Two things vary: the difference, by 1, and what it must exceed, by bound / √(2 freedom). The
    # average is over what varies less, so that the distribution of the other is smooth beside it.
    spread = np.sqrt(special.chdtri(freedom, special.ndtr(-normal)) / freedom) * bounds
    narrow = bounds**2 < 2 * freedom

    def excess(shift: float) -> float:
        of_difference = special.chdtr(freedom, freedom * ((shift + normal) / bounds) ** 2)
        of_bound = special.ndtr(shift - spread) + special.ndtr(-shift - spread)
        return float(density @ np.where(narrow, of_bound, of_difference) @ weights) - power

    if excess(0) >= 0:
        return 0.0  # so little power has chance alone
    highest = 1.0
    while excess(highest) < 0:
        highest *= 2
    return float(optimize.brentq(excess, 0, highest, xtol=1e-6, rtol=1e-8))
