"""Intervals of the correlations: sources are resampled with all their restarts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from interlude.analysis.correlations import (
    correlation_pairs,
    distinct_pairs,
    sources_of,
    spearman_matrix,
    without_each,
)
from interlude.analysis.options import Statistics

# Fewer sources give so few distinct resamples that an interval is meaningless.
FEWEST_SOURCES = 5
# Fewer rows have no correlation.
_FEWEST = 3
AT_ONCE = 1_000  # resamples, which bounds the memory

Array = np.ndarray
_Ranks = tuple[Array, Array]


def bootstrap_intervals(matrix: pd.DataFrame, statistics: Statistics) -> pd.DataFrame:
    """Return the target block with percentile intervals and leave-one-source-out ranges.

    Sources are resampled with all their restarts, since restarts of one source are no independent
    encoders (cluster bootstrap; Davison and Hinkley 1997, section 3.8). Columns: task_a, task_b,
    role_b, spearman, ci_low, ci_high, left_out_low, left_out_high; cells of a task with itself are
    left out. Intervals are missing below five sources.
    """
    pairs = correlation_pairs(matrix)
    left_out = [spearman_matrix(part).ravel() for _, part in without_each(matrix)]
    ranges = pd.DataFrame(left_out, columns=pairs.index)
    cells = pairs.assign(left_out_low=ranges.min(), left_out_high=ranges.max())
    itself = (cells["task_a"] == cells["task_b"]) & (cells["role_a"] == cells["role_b"])
    block = cells[(cells["role_a"] == "target") & ~itself].reset_index(drop=True)
    low, high = _intervals(matrix, block, statistics)
    named = block[["task_a", "task_b", "role_b", "spearman"]].assign(ci_low=low, ci_high=high)
    return named.join(block[["left_out_low", "left_out_high"]])


def _intervals(matrix: pd.DataFrame, block: pd.DataFrame, statistics: Statistics) -> Array:
    """Return lower and upper bounds of the rows of a block, shape (2, rows)."""
    if len(sources_of(matrix)) < FEWEST_SOURCES or block.empty:
        return np.full((2, len(block)), np.nan)
    distinct, same = distinct_pairs(block)
    first = block.iloc[distinct]
    places = [
        matrix.columns.get_indexer(
            pd.MultiIndex.from_frame(first[[f"role_{side}", f"task_{side}"]])
        )
        for side in "ab"
    ]
    resampled = np.concatenate([*_resampled(matrix, places, statistics)])
    # A frame's quantiles skip the resamples in which a column does not vary.
    alpha = statistics.alpha
    bounds = pd.DataFrame(resampled).quantile([alpha / 2, 1 - alpha / 2]).to_numpy()
    return np.asarray(bounds[:, same])


def _resampled(
    matrix: pd.DataFrame, places: list[Array], statistics: Statistics
) -> Iterator[Array]:
    """Yield Spearman's rho of pairs of columns in some resamples each, shape (resamples, pairs).

    places: of the first and of the second column of each pair.
    """
    sources = sources_of(matrix)
    of_row = np.array([sources.index(name) for name in matrix.index.get_level_values("source")])
    draws = np.random.default_rng(statistics.seed)
    drawn = draws.integers(len(sources), size=(statistics.resamples, len(sources)))
    values = matrix.to_numpy(dtype=float)
    for start in range(0, len(drawn), AT_ONCE):
        part = drawn[start : start + AT_ONCE]
        times = np.stack([(part == number).sum(axis=1) for number in range(len(sources))], axis=1)
        yield weighted_spearman(times[:, of_row].astype(float), values, places)


def weighted_spearman(times: Array, values: Array, places: list[Array]) -> Array:
    """Return rho of pairs of columns where each row occurs some times, shape (resamples, pairs).

    times: shape (resamples, rows). Ranks are of the rows that both columns have, as in pandas.
    """
    known = ~np.isnan(values)
    ranks: dict[tuple[int, bytes], _Ranks] = {}
    rho = np.full((len(times), len(places[0])), np.nan)
    for pair, (a, b) in enumerate(zip(*places, strict=True)):
        both = known[:, a] & known[:, b]
        for column in (a, b):
            if (column, both.tobytes()) not in ranks:
                ranks[column, both.tobytes()] = _ranks(times * both, values[:, column])
        (weighted, of_a), (other, of_b) = (ranks[column, both.tobytes()] for column in (a, b))
        covariance = np.einsum("ij,ij->i", weighted, other)
        rows = (times * both).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):  # a column that does not vary
            rho[:, pair] = np.where(rows >= _FEWEST, covariance / np.sqrt(of_a * of_b), np.nan)
    return rho


def _ranks(times: Array, column: Array) -> _Ranks:
    """Return centred mean ranks times the root of how often each row occurs, and their variance.

    The rank of a row counts the rows below it and half of its equals, each as often as it occurs.
    """
    below = (column[None, :] < column[:, None]) + 0.5 * (column[None, :] == column[:, None])
    centred = times @ below.T - times.sum(axis=1, keepdims=True) / 2
    weighted = np.sqrt(times) * centred
    return weighted, np.einsum("ij,ij->i", weighted, weighted)


def percentiles(drawn: Array, alpha: float) -> tuple[float, float]:
    """Return the quantiles of what could be computed from a resample; NaN where none could."""
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return math.nan, math.nan
    low, high = np.quantile(known, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)
