"""The smallest difference that a cell's test could detect, given the spread of restarts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.differences import BASELINE_MEAN_ONLY, EQUAL, PAIRED
from interlude.analysis.options import Statistics
from interlude.analysis.power import smallest_effect, smallest_paired_effect
from interlude.analysis.results import FAMILY, POINTS
from interlude.analysis.spread import degrees, task_variances

_TASK = [*FAMILY, "task"]


def with_detectable(transfer: pd.DataFrame, levels: Statistics) -> pd.DataFrame:
    """Return a transfer table with `task_sd`, `detectable` and `detectable_holm`, in points.

    transfer: with a column `spread`, of the differences of pairs where these are tested.

    task_sd: standard deviation between restarts, pooled over the task's sources and its baseline;
    a cell's own says little, and a difference measured by it says what its p value says.
    detectable: smallest difference that the cell's test detects with the given power by itself, at
    alpha; detectable_holm: as the first of its family in Holm's correction, which is also Benjamini
    and Hochberg's level for a lone difference. A baseline known as a mean only is assumed to be
    the mean of as many runs. Missing where no test is made, or none could be.
    """
    pairs = transfer["test"] == PAIRED
    sd = task_variances(transfer) ** 0.5
    cells = transfer.assign(divided_by=sd.where(~pairs, _paired_sd(transfer)))
    tested, could = transfer["p"].notna(), _beside_a_mean(transfer)
    family = [transfer[name] for name in FAMILY]
    sizes = [cells.groupby(family).transform("sum") for cells in (tested, could)]
    size = sizes[0].where(sizes[0] > 0, sizes[1])
    testable = cells[tested | could]
    return transfer.assign(
        task_sd=sd,
        detectable=_smallest(testable, levels.alpha / (size * 0 + 1), levels.power),
        detectable_holm=_smallest(testable, levels.alpha / size, levels.power),
    )


def _beside_a_mean(transfer: pd.DataFrame) -> pd.Series[bool]:
    """Return which cells would be tested if their baseline were known run by run."""
    return (transfer["note"] == BASELINE_MEAN_ONLY) & (transfer["sd"] > POINTS * EQUAL)


def _smallest(cells: pd.DataFrame, alpha: pd.Series[float], power: float) -> pd.Series[float]:
    levels = alpha.loc[cells.index]
    effects = [
        _effect(cell, level, power)
        for (_, cell), level in zip(_with_degrees(cells).iterrows(), levels, strict=True)
    ]
    return (cells["divided_by"] * pd.Series(effects, cells.index, dtype="float64")).reindex(
        alpha.index
    )


def _effect(cell: pd.Series[Any], alpha: float, power: float) -> float:
    n, n_baseline = int(cell["n"]), int(cell["baseline_n"])
    freedom, of_baseline = int(cell["freedom"]), int(cell["of_baseline"])
    if cell["test"] == PAIRED:
        return smallest_paired_effect(n, alpha, power, freedom)
    if not n_baseline:  # as many runs as the cell's
        n_baseline, of_baseline = n, freedom
    return smallest_effect(n, n_baseline, alpha, power, (freedom, of_baseline))


def _with_degrees(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(freedom=degrees(cells), of_baseline=degrees(cells, "baseline_"))


def _paired_sd(transfer: pd.DataFrame) -> pd.Series[float]:
    """Return the standard deviation of pairs' differences, pooled over the sources of the task."""
    pairs = transfer.dropna(subset="spread")
    freedom = degrees(pairs).astype(float)
    parts = pairs[_TASK].assign(squares=freedom * pairs["spread"] ** 2, degrees=freedom)
    sums = parts.groupby(_TASK).sum()
    sums["pooled"] = np.sqrt(sums["squares"] / sums["degrees"])
    return transfer.join(sums["pooled"], on=_TASK)["pooled"]
