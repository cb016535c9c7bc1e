"""The hierarchical model by matrices: the joint normal of all effects and their mean, for each tau.

Another way to what `interlude.analysis.hierarchy` computes, on the same grid.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import optimize, special

Told = dict[str, Any]


def hierarchical(effects: list[float], variances: list[float], alpha: float) -> Told:
    """mu, tau, p_new, prior; `interval` of mu, `new`; `cells`: mean, low, high of each effect;
    `gains`: the probability that each is above 0.
    """
    d, v = np.array(effects), np.array(variances)
    step = 10 * max(np.std(d, ddof=1), math.sqrt(np.mean(v))) / 2000
    grid = step * (np.arange(2000) + 0.5)
    few = len(d) < 5
    logs = log_density(grid, d, v) - few * np.log(1 + grid**2 / 25)
    weights = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
    means, covariance = joint_normal(grid, d, v)
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    new = variance[:, -1] + np.square(grid)
    return {
        "mu": weights @ means[:, -1],
        "interval": interval(weights, means[:, -1], variance[:, -1], alpha),
        "tau": weights @ grid,
        "new": interval(weights, means[:, -1], new, alpha),
        "p_new": weights @ special.ndtr(means[:, -1] / np.sqrt(new)),
        "prior": "half-Cauchy 5" if few else "flat",
        "cells": [
            (weights @ means[:, k], *interval(weights, means[:, k], variance[:, k], alpha))
            for k in range(len(d))
        ],
        "gains": [
            weights @ special.ndtr(means[:, k] / np.sqrt(variance[:, k])) for k in range(len(d))
        ],
    }


def log_density(tau: np.ndarray, d: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Of each tau given the effects, their mean integrated out."""
    inverse = np.linalg.inv(np.diag(v) + tau[:, None, None] ** 2 * np.eye(len(d)))
    sums = inverse.sum(axis=2)
    total = sums.sum(axis=1)
    rest = inverse - sums[:, :, None] * sums[:, None, :] / total[:, None, None]
    density: np.ndarray = np.linalg.slogdet(inverse)[1] - np.log(total) - d @ (rest @ d).T
    return 0.5 * density


def joint_normal(tau: np.ndarray, d: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and covariances, for each tau, of all true effects and, last, their mean."""
    n = len(d)
    coupling = np.eye(n + 1)
    coupling[:n, n] = coupling[n, :n] = -1
    coupling[n, n] = n
    precision = np.diag(np.append(1 / v, 0)) + coupling / tau[:, None, None] ** 2
    covariance = np.linalg.inv(precision)
    return covariance @ np.append(d / v, 0), covariance


def interval(
    weights: np.ndarray, means: np.ndarray, variances: np.ndarray, alpha: float
) -> tuple[float, float]:
    ends = means.min() - 20 * variances.max() ** 0.5, means.max() + 20 * variances.max() ** 0.5

    def quantile(share: float) -> float:
        def over(x: float) -> float:
            return float(weights @ special.ndtr((x - means) / np.sqrt(variances)) - share)

        return float(optimize.brentq(over, *ends, xtol=1e-10))

    return quantile(alpha / 2), quantile(1 - alpha / 2)
