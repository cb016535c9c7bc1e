"""Do the correlations stand without a few sources, on means, and under resampling?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from interlude.analysis.correlations import correlation_pairs, spearman_matrix, target_block
from interlude.analysis.options import Options, Statistics

# Means of equal scores in another order differ in the last bits; ranks must see them as ties.
_DECIMALS = 9
# Fewer sources give so few distinct resamples that an interval says nothing.
_FEWEST_SOURCES = 5


def collapsed_sources(averages: pd.DataFrame, limit: float) -> list[str]:
    """Return the sources whose mean target transfer lies below the limit, in points."""
    targets = averages[averages["role"] == "target"]
    return targets.loc[targets["delta"] < limit, "source"].tolist()


def robustness_table(matrix: pd.DataFrame, collapsed: list[str], options: Options) -> pd.DataFrame:
    """Return the number of significant correlations in several looks at the same scores.

    matrix: as from `correlations.score_matrix`. collapsed: sources to leave out together.
    Columns: look; encoders (rows that went in); significant, target_target, target_probing (cells
    that survive Holm's correction over the block).
    """
    rows = [
        {
            "look": look,
            "encoders": len(part),
            **_counted(_survivors(part, options.statistics.alpha)),
        }
        for look, part in _looks(matrix, collapsed, options.title)
    ]
    return pd.DataFrame(rows)


def bootstrap_look(intervals: pd.DataFrame, encoders: int) -> pd.DataFrame:
    """Return one more row of the robustness table: cells whose interval excludes 0."""
    excludes = (intervals["ci_low"] > 0) | (intervals["ci_high"] < 0)
    look = {"look": "bootstrap interval excludes 0 (not corrected)", "encoders": encoders}
    return pd.DataFrame([{**look, **_counted(intervals[excludes])}])


def bootstrap_intervals(matrix: pd.DataFrame, statistics: Statistics) -> pd.DataFrame:
    """Return the target block with percentile intervals and leave-one-source-out ranges.

    Sources are resampled with all their restarts, since restarts of one source are no independent
    encoders (cluster bootstrap; Davison and Hinkley 1997, section 3.8). Columns: task_a, task_b,
    role_b, spearman, ci_low, ci_high, left_out_low, left_out_high; cells of a task with itself are
    left out. Intervals are missing below five sources.
    """
    pairs = correlation_pairs(matrix)
    low, high = _interval(_resampled(matrix, statistics), statistics.alpha, len(pairs))
    left_out = [spearman_matrix(part).ravel() for _, part in _without_each(matrix)]
    ranges = pd.DataFrame(left_out, columns=pairs.index)
    bounds = {
        "ci_low": low,
        "ci_high": high,
        "left_out_low": ranges.min().to_numpy(),
        "left_out_high": ranges.max().to_numpy(),
    }
    cells = pairs.assign(**bounds)
    itself = (cells["task_a"] == cells["task_b"]) & (cells["role_a"] == cells["role_b"])
    block = cells[(cells["role_a"] == "target") & ~itself]
    return block[["task_a", "task_b", "role_b", "spearman", *bounds]].reset_index(drop=True)


def _looks(
    matrix: pd.DataFrame, collapsed: list[str], title: Callable[[str], str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all encoders", matrix
    if collapsed:
        names = ", ".join(map(title, collapsed))
        yield f"without collapsed: {names}", matrix.drop(collapsed, level="source")
    yield "means of sources", matrix.groupby(level="source", sort=False).mean().round(_DECIMALS)
    for source, part in _without_each(matrix):
        yield f"without {title(source)}", part


def _without_each(matrix: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for source in _sources(matrix):
        yield source, matrix.drop(source, level="source")


def _sources(matrix: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(matrix.index.get_level_values("source")))


def _survivors(matrix: pd.DataFrame, alpha: float) -> pd.DataFrame:
    block = target_block(correlation_pairs(matrix), alpha)
    return block[block["holm_significant"]]


def _counted(cells: pd.DataFrame) -> dict[str, int]:
    with_targets = int((cells["role_b"] == "target").sum())
    return {
        "significant": len(cells),
        "target_target": with_targets,
        "target_probing": len(cells) - with_targets,
    }


def _resampled(matrix: pd.DataFrame, statistics: Statistics) -> list[np.ndarray]:
    sources = _sources(matrix)
    if len(sources) < _FEWEST_SOURCES:
        return []
    draws = np.random.default_rng(statistics.seed)
    places = [np.flatnonzero(matrix.index.get_level_values("source") == name) for name in sources]
    return [
        spearman_matrix(matrix.iloc[np.concatenate([places[at] for at in drawn])]).ravel()
        for drawn in draws.integers(len(sources), size=(statistics.resamples, len(sources)))
    ]


def _interval(
    resamples: list[np.ndarray], alpha: float, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    if not resamples:
        return np.full(cells, np.nan), np.full(cells, np.nan)
    # A frame's quantiles skip the resamples in which a column does not vary.
    low, high = pd.DataFrame(resamples).quantile([alpha / 2, 1 - alpha / 2]).to_numpy()
    return low, high
