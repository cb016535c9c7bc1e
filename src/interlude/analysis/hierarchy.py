"""The normal hierarchical model: effects of one source on several tasks, and on a new one.

Gelman et al. 2013, Bayesian Data Analysis, section 5.4: effect d_t of task t, measured with
variance v_t, has a true value from N(mu, tau²). Computed on a grid of tau, without sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

FLAT = "flat"
HALF_CAUCHY = "half-Cauchy 5"
# With fewer effects a flat prior has its mean where the grid happens to end.
_FEWEST_FOR_FLAT = 5
_SCALE = 5.0  # of the half-Cauchy prior, in points
_GRID = 2_000
_REACH = 10  # the grid of tau ends at so many standard deviations of the effects

Array = np.ndarray
Interval = tuple[float, float]


@dataclass(frozen=True)
class Effect:
    """The true effect on a measured task: posterior mean, interval, probability that it gains."""

    mean: float
    low: float
    high: float
    p_gain: float


@dataclass(frozen=True)
class Hierarchy:
    """What the model says, in the unit of the effects.

    mu: posterior mean of the mean effect, with its interval. tau: of the standard deviation of
    effects between tasks. new_interval: of the true effect on a new task; p_new: that it is above
    0. cells: of each measured task. prior: of tau.
    """

    mu: float
    mu_interval: Interval
    tau: float
    new_interval: Interval
    p_new: float
    cells: list[Effect]
    prior: str


@dataclass(frozen=True)
class _Mixture:
    """A normal distribution for each tau of the grid, and the weight of each."""

    weights: Array
    means: Array
    variances: Array

    @property
    def mean(self) -> float:
        return float(self.weights @ self.means)

    def below(self, value: float) -> float:
        """Return the distribution function at a value."""
        standardised = (value - self.means) / np.sqrt(self.variances)
        return float(self.weights @ special.ndtr(standardised))

    def interval(self, alpha: float) -> Interval:
        """Return the quantiles alpha / 2 and 1 - alpha / 2."""
        return self._quantile(alpha / 2), self._quantile(1 - alpha / 2)

    def _quantile(self, share: float) -> float:
        """Return the quantile: it lies between the least and the greatest of the normal ones."""
        deviations = np.sqrt(self.variances)
        each = self.means + deviations * special.ndtri(share)
        ends = (each - deviations).min(), (each + deviations).max()
        return float(optimize.brentq(lambda value: self.below(value) - share, *ends))


def fit_hierarchy(effects: Array, variances: Array, alpha: float) -> Hierarchy:
    """Fit the model to at least two effects, each measured with a known variance above 0.

    effects, variances: in points and points², shape (tasks,). alpha: intervals cover 1 - alpha. The
    prior of tau is flat; below five tasks it is half-Cauchy with a scale of 5 points (Gelman 2006).
    """
    tau = _grid(effects, variances)
    precision = 1 / (variances + tau[:, None] ** 2)  # of each effect, shape (grid, tasks)
    centre_variance = 1 / precision.sum(axis=1)
    centre = centre_variance * (precision @ effects)
    prior = FLAT if len(effects) >= _FEWEST_FOR_FLAT else HALF_CAUCHY
    weights = _posterior(tau, precision, effects - centre[:, None], prior)
    mean = _Mixture(weights, centre, centre_variance)
    new = _Mixture(weights, centre, centre_variance + tau**2)
    kept = tau[:, None] ** 2 * precision  # the share of its own effect that a cell keeps
    return Hierarchy(
        mu=mean.mean,
        mu_interval=mean.interval(alpha),
        tau=float(weights @ tau),
        new_interval=new.interval(alpha),
        p_new=1 - new.below(0.0),
        cells=[
            _cell(mean, effect, variance, share, alpha)
            for effect, variance, share in zip(effects, variances, kept.T, strict=True)
        ],
        prior=prior,
    )


def _grid(effects: Array, variances: Array) -> Array:
    """Return the midpoints of the grid of tau.

    Effects that lie closer together than their errors say little of tau: the grid then ends at so
    many standard errors.
    """
    reach = max(effects.std(ddof=1), float(np.sqrt(variances.mean())))
    return np.asarray((np.arange(_GRID) + 0.5) * _REACH * reach / _GRID)


def _posterior(tau: Array, precision: Array, residuals: Array, prior: str) -> Array:
    """Return the weight of each tau: equation 5.21 of Gelman et al., times the prior."""
    log_density = 0.5 * (
        np.log(precision).sum(axis=1)
        - np.log(precision.sum(axis=1))
        - (precision * residuals**2).sum(axis=1)
    )
    if prior == HALF_CAUCHY:
        log_density = log_density - np.log1p((tau / _SCALE) ** 2)
    density = np.exp(log_density - log_density.max())
    return np.asarray(density / density.sum())


def _cell(mean: _Mixture, effect: float, variance: float, kept: Array, alpha: float) -> Effect:
    shrunken = mean.means + kept * (effect - mean.means)
    variances = kept * variance + (1 - kept) ** 2 * mean.variances
    mixture = _Mixture(mean.weights, shrunken, variances)
    return Effect(mixture.mean, *mixture.interval(alpha), 1 - mixture.below(0.0))
