"""How far restarts of a task lie apart, whatever they started from."""

from __future__ import annotations

import pandas as pd

from interlude.analysis.results import FAMILY

# In points; scores that differ by less are equal.
_EQUAL = 1e-7


def task_variances(transfer: pd.DataFrame) -> pd.Series[float]:
    """Return the variance between restarts of each row's task, pooled over sources and baselines.

    Within a contrast, in points². Missing where no cell of the task has two runs, or where restarts
    do not differ.
    """
    task = [*FAMILY, "task"]
    baselines = transfer.drop_duplicates([*task, "baseline_source"])
    groups = [
        transfer[[*task, "sd", "n"]],
        baselines[[*task, "baseline_sd", "baseline_n"]].set_axis(
            [*task, "sd", "n"], axis="columns"
        ),
    ]
    spread = pd.concat(groups, ignore_index=True).dropna(subset="sd")
    spread = spread.assign(degrees=spread["n"] - 1)
    spread["squares"] = spread["degrees"] * spread["sd"] ** 2
    sums = spread.groupby(task)[["squares", "degrees"]].sum()
    variance = (sums["squares"] / sums["degrees"]).rename("variance")
    return transfer.join(variance.where(variance > _EQUAL**2), on=task)["variance"]
