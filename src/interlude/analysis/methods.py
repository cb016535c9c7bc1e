"""Transfer by one method beside transfer by another, such as adapters and full fine-tuning.

Every table is of a contrast of two arms that differ in the method alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from interlude.analysis.bootstrap import (
    AT_ONCE,
    FEWEST_SOURCES,
    Array,
    percentiles,
    weighted_spearman,
)
from interlude.analysis.options import Statistics
from interlude.analysis.results import in_order
from interlude.analysis.scope import against_alone
from interlude.analysis.spread import degrees, runs_of_mean
from interlude.words import Contrast

COLUMNS = [
    *("arm", "against", "role", "source", "task"),
    *("baseline", "delta", "ci_low", "ci_high", "p_holm", "gain"),
    *("against_baseline", "against_delta", "against_low", "against_high", "against_p_holm"),
    *("against_gain", "difference", "difference_low", "difference_high"),
]
_OTHER = {"ci_low": "against_low", "ci_high": "against_high"}


def methods_table(transfer: pd.DataFrame, contrast: Contrast, alpha: float) -> pd.DataFrame:
    """Return one row per source and task: the transfer by either method, in points.

    transfer: the transfer table, with the rows of both arms against the task alone by their method.

    baseline: mean of the task alone; delta, ci_low, ci_high, p_holm: as in the transfer table.
    gain: the relative gain of Poth et al. 2021, delta in per cent of the baseline; missing where
    that is not above 0. With `against_`: the same of the other arm. difference: delta -
    against_delta, with Welch's interval from the restarts of all four sides.
    """
    own, other = (against_alone(transfer, arm) for arm in (contrast.arm, contrast.against))
    both = own.join(other.rename(columns=_OTHER).add_prefix("against_"), how="left")
    both = both.rename(columns=lambda name: name.replace("against_against_", "against_"))
    half = _half_width(both, alpha)
    difference = both["delta"] - both["against_delta"]
    table = both.reset_index().assign(
        arm=contrast.arm,
        against=contrast.against,
        gain=_relative(both, "").to_numpy(),
        against_gain=_relative(both, "against_").to_numpy(),
        difference=difference.to_numpy(),
        difference_low=(difference - half).to_numpy(),
        difference_high=(difference + half).to_numpy(),
    )
    return table[COLUMNS]


def _relative(cells: pd.DataFrame, side: str) -> pd.Series[float]:
    baseline = cells[f"{side}baseline"]
    return 100 * cells[f"{side}delta"] / baseline.where(baseline > 0)


def _half_width(cells: pd.DataFrame, alpha: float) -> pd.Series[float]:
    """Return how far Welch's interval of a difference of two differences reaches."""
    sides = ("", "baseline_", "against_", "against_baseline_")
    freedoms = [degrees(cells, side).where(degrees(cells, side) > 0) for side in sides]
    parts = [cells[f"{side}sd"] ** 2 / runs_of_mean(cells, side) for side in sides]
    variance = sum(parts[1:], parts[0])
    squares = [part**2 / of for part, of in zip(parts, freedoms, strict=True)]
    freedom = variance**2 / sum(squares[1:], squares[0])
    reach = stats.t.isf(alpha / 2, freedom.astype(float)) * np.sqrt(variance.astype(float))
    return pd.Series(reach, index=cells.index)


RANKING_COLUMNS = [
    *("arm", "against", "role", "sources", "tasks", "cells"),
    *("spearman", "ci_low", "ci_high", "within_tasks", "within_low", "within_high"),
    *("positive", "positive_low", "positive_high"),
    *("against_positive", "against_positive_low", "against_positive_high"),
    *("more_positive", "more_low", "more_high"),
]
_BOUNDS = {  # number -> its bounds
    "spearman": ("ci_low", "ci_high"),
    "within_tasks": ("within_low", "within_high"),
    "positive": ("positive_low", "positive_high"),
    "against_positive": ("against_positive_low", "against_positive_high"),
    "more_positive": ("more_low", "more_high"),
}


def method_ranking(cells: pd.DataFrame, levels: Statistics) -> pd.DataFrame:
    """Return one row per role: whether both methods rank sources alike, and how often each gains.

    cells: of `methods_table`; those that have both transfers count. spearman: of both transfers
    over all cells. within_tasks: of the sources of a task, mean over tasks: the ranking that one
    who has a task asks for, since tasks differ in what anything does to them. positive,
    against_positive: share of the cells with a transfer above 0, by either arm; more_positive: the
    first less the second.

    Intervals are percentiles of resamples of sources and of tasks (a cell counts as often as both
    are drawn; the pigeonhole bootstrap, Owen 2007), since cells share trainings; none below five
    sources or five tasks.
    """
    rows = []
    for (arm, against, role), every in cells.groupby(["arm", "against", "role"], sort=False):
        own = every.dropna(subset=["delta", "against_delta"])
        sources, tasks = in_order(own["source"]), in_order(own["task"])
        both = own[["delta", "against_delta"]].to_numpy(dtype=float).reshape(-1, 2)
        places = own["source"].map(sources.index), own["task"].map(tasks.index)
        at = (places[0].to_numpy(dtype=int), places[1].to_numpy(dtype=int))
        sides = len(sources), len(tasks)
        once = _measured(np.ones((1, sides[0])), np.ones((1, sides[1])), both, at)
        row = {"arm": arm, "against": against, "role": role, "cells": len(own)}
        row |= {"sources": sides[0], "tasks": sides[1]}
        row |= {name: float(values[0]) for name, values in once.items()}
        rows.append(row | _intervals(both, at, sides, levels))
    return pd.DataFrame(rows, columns=RANKING_COLUMNS)


_Places = tuple[Array, Array]  # of the source and of the task of each cell


def _intervals(
    both: Array, at: _Places, sides: tuple[int, int], levels: Statistics
) -> dict[str, float]:
    if min(sides) < FEWEST_SOURCES:
        return {}
    parts = [_measured(*times, both, at) for times in _drawn(sides, levels)]
    intervals: dict[str, float] = {}
    for name, bounds in _BOUNDS.items():
        drawn = np.concatenate([part[name] for part in parts])
        intervals |= dict(zip(bounds, percentiles(drawn, levels.alpha), strict=True))
    return intervals


def _drawn(sides: tuple[int, int], levels: Statistics) -> Iterator[tuple[Array, Array]]:
    """Yield how often each source and each task is drawn, in some resamples each."""
    rng = np.random.default_rng(levels.seed)
    for start in range(0, levels.resamples, AT_ONCE):
        size = min(AT_ONCE, levels.resamples - start)
        of_source, of_task = (
            rng.multinomial(n, np.full(n, 1 / n), size=size).astype(float) for n in sides
        )
        yield of_source, of_task


def _measured(of_source: Array, of_task: Array, both: Array, at: _Places) -> dict[str, Array]:
    """Return the numbers of the ranking table, each of shape (resamples,).

    of_source, of_task: how often each is drawn, shape (resamples, sources), (resamples, tasks).
    both: the transfers of each cell by either arm, shape (cells, 2).
    """
    times = of_source[:, at[0]] * of_task[:, at[1]]
    with np.errstate(invalid="ignore"):  # no cell is drawn
        positive = (times @ (both > 0)) / times.sum(axis=1, keepdims=True)
    first, second = [np.array([0]), np.array([1])]
    return {
        "spearman": weighted_spearman(times, both, [first, second])[:, 0],
        "within_tasks": _within_tasks(of_source, of_task, both, at),
        "positive": positive[:, 0],
        "against_positive": positive[:, 1],
        "more_positive": positive[:, 0] - positive[:, 1],
    }


def _within_tasks(of_source: Array, of_task: Array, both: Array, at: _Places) -> Array:
    """Return the mean over tasks of rho over their sources, of the tasks that have one."""
    tasks = of_task.shape[1]
    values = np.full((of_source.shape[1], 2 * tasks), np.nan)
    values[at[0], at[1]], values[at[0], tasks + at[1]] = both[:, 0], both[:, 1]
    of_first = np.arange(tasks)
    rho = weighted_spearman(of_source, values, [of_first, tasks + of_first])
    weights = of_task * ~np.isnan(rho)
    with np.errstate(invalid="ignore"):  # no task that is drawn has one
        mean: Array = (np.nan_to_num(rho) * weights).sum(axis=1) / weights.sum(axis=1)
    return mean
