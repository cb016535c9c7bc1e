"""The spread between restarts of a task, whatever they started from."""

from __future__ import annotations

import pandas as pd

from interlude.analysis.results import FAMILY

# In points; scores that differ by less are equal.
_EQUAL = 1e-7


def degrees(table: pd.DataFrame, side: str = "") -> pd.Series[int]:
    """Return the degrees of freedom of the standard deviations of one side of differences.

    table: of differences. side: `baseline_` or the like. One less than the runs; in a study
    with a grid, from a column of the table.
    """
    of_grid = f"{side}df"
    return table[of_grid] if of_grid in table else table[f"{side}n"] - 1


def runs_of_mean(table: pd.DataFrame, side: str = "") -> pd.Series[float]:
    """Return what a side's variance is divided by to get that of its mean: runs, spread evenly."""
    of_grid = f"{side}n_effective"
    return table[of_grid] if of_grid in table else table[f"{side}n"]


def task_variances(transfer: pd.DataFrame) -> pd.Series[float]:
    """Return the variance between restarts of each row's task, pooled over sources and baselines.

    Within a contrast, in points². Missing where no cell of the task has two runs, or where restarts
    do not differ.
    """
    task = [*FAMILY, "task"]
    baselines = transfer.drop_duplicates([*task, "baseline_source"])
    groups = [
        rows[task].assign(sd=rows[f"{side}sd"], degrees=degrees(rows, side))
        for rows, side in ((transfer, ""), (baselines, "baseline_"))
    ]
    spread = pd.concat(groups, ignore_index=True).dropna(subset="sd")
    spread["squares"] = spread["degrees"] * spread["sd"] ** 2
    sums = spread.groupby(task)[["squares", "degrees"]].sum()
    variance = (sums["squares"] / sums["degrees"]).rename("variance")
    return transfer.join(variance.where(variance > _EQUAL**2), on=task)["variance"]
