"""The benefit of sources against the size of the target's own data, where a study cut that too."""

from __future__ import annotations

import pandas as pd

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.analysis.transfer import transfer_table

COLUMNS = [
    *("arm", "against", "role", "task", "source", "train_examples", "n", "mean", "baseline"),
    *("delta", "ci_low", "ci_high", "p", "test", "note"),
]
_OF_SIZE = ["arm", "role", "task"]


def target_sizes(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return the points of each curve: contrast, role, task, source and size, smallest first.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.

    A point is a row of `transfer.transfer_table`, in points: the runs of a source on a task that
    was cut, compared with the baseline that was cut as well. The last one is of the whole task.
    train_examples: those of its runs, else those that were declared.
    """
    evaluated = runs[(runs["role"] != "intermediate") & runs["examples"].isna()]
    cut = evaluated.loc[evaluated["task_examples"].notna(), "task"]
    # A task that is source of itself is so with all of its examples alone.
    curved = evaluated[evaluated["task"].isin(cut) & (evaluated["source"] != evaluated["task"])]
    parts = [
        _of_size(part, options, filtered)
        for _, part in curved.groupby("task_examples", sort=False, dropna=False)
    ]
    table = pd.concat(parts, ignore_index=True).astype({"train_examples": "Int64"})
    names = {
        "_contrast": [f"{each.arm} {each.against}" for each in options.contrasts],
        "_task": in_order(curved["task"]),
        "_source": in_order(curved["source"]),
    }
    columns = {"_contrast": table["arm"] + " " + table["against"]}
    columns |= {"_task": table["task"], "_source": table["source"]}
    order = {name: columns[name].map(names[name].index) for name in names}
    by = ["_contrast", "role", "_task", "_source", "train_examples"]
    return (
        table.assign(**order)
        .sort_values(by, ascending=[True, False, True, True, True])[COLUMNS]
        .reset_index(drop=True)
    )


def _of_size(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return the points of one declared size, missing for all examples."""
    known = runs["train_examples"].fillna(runs["task_examples"])
    trained = runs.assign(train_examples=known).groupby(_OF_SIZE)["train_examples"].first()
    return transfer_table(runs, options, filtered).join(trained, on=_OF_SIZE)
