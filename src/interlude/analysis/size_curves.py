"""Transfer against the size of the intermediate data, where a study trained on several sizes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.degenerate import scored
from interlude.analysis.differences import Scores, difference
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.words import NO_SOURCE, Contrast

COLUMNS = [
    *("arm", "against", "role", "source", "train_examples", "tasks", "n", "mean", "baseline"),
    *("delta", "ci_low", "ci_high", "p", "test", "note"),
]


def size_curves(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return the points of each curve: contrast, role, source and size, smallest first, all last.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.

    A point is a mean over the tasks of a role, in points: for each restart, the mean difference of
    its scores from the means of the baseline, compared with the same of the baseline's own restarts
    (see `differences.difference`; with a grid, within its points). n: restarts, or trials of a
    grid. train_examples: those of its intermediate run, else those that were declared. baseline:
    mean over these tasks; mean: baseline + delta, which a lost run does not shift.
    """
    runs = runs[runs["task_examples"].isna()]
    counted = scored(runs[runs["role"] != "intermediate"], filtered)
    rows = [
        {
            **_names(contrast, role),
            **_point(counted[counted["role"] == role], contrast, size, options),
        }
        for contrast in options.contrasts
        for role in in_order(runs.loc[runs["role"] != "intermediate", "role"])
        for size in _sizes(runs, contrast.arm).itertuples(index=False)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"train_examples": "Int64"})
    places = {
        "_contrast": table["arm"] + " " + table["against"],
        "_source": table["source"],
    }
    ordered = {name: values.map(in_order(values).index) for name, values in places.items()}
    by = ["_contrast", "role", "_source", "train_examples"]
    return (
        table.assign(**ordered)
        .sort_values(by, ascending=[True, False, True, True])[COLUMNS]
        .reset_index(drop=True)
    )


def _names(contrast: Contrast, role: str) -> dict[str, str]:
    return {"arm": contrast.arm, "against": contrast.against, "role": role}


def _sizes(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Return the sizes of every source that has a reduced one: source, examples, train_examples.

    examples: as declared, missing for all of them. train_examples: trained on, in the source's own
    training; missing where it has none, or none that records it.
    """
    cell = ["source", "examples"]
    reached = runs[(runs["arm"] == arm) & (runs["role"] != "intermediate")][cell].drop_duplicates()
    own = runs[runs["role"] == "intermediate"].drop(columns="source")
    named = own.rename(columns={"task": "source"}).groupby(cell, sort=False, dropna=False)
    trained = named["train_examples"].first().reset_index()
    sizes = reached.merge(trained, on=cell, how="left")
    curved = sizes.loc[sizes["examples"].notna(), "source"]
    known = sizes["train_examples"].fillna(sizes["examples"])
    return sizes.assign(train_examples=known)[sizes["source"].isin(curved)]


def _point(runs: pd.DataFrame, contrast: Contrast, size: Any, options: Options) -> dict[str, Any]:
    """Return the point of the runs of a role for one size, a row of `_sizes`."""
    levels = options.statistics
    whole = pd.isna(size.examples)
    of_size = runs["examples"].isna() if whole else runs["examples"].eq(size.examples).fillna(False)
    same = of_size & (runs["source"] == size.source)
    against = runs["arm"] == contrast.against
    own = runs[same & (runs["arm"] == contrast.arm)]
    baseline = runs[against & (same if (same & against).any() else runs["source"] == NO_SOURCE)]
    centre = baseline.groupby(["task", *trial(runs)[:-1]])["score"].mean()
    effect = difference(
        _by_restart(own, centre), _by_restart(baseline, centre), levels.alpha, levels.paired
    )
    compared = own[own["task"].isin(centre.index.get_level_values("task"))]
    by_task = centre.groupby(level="task").mean()
    level = POINTS * by_task[by_task.index.isin(compared["task"])].mean()
    return {
        "source": size.source,
        "train_examples": size.train_examples,
        "tasks": compared["task"].nunique(),
        "n": len(compared[trial(runs)].drop_duplicates()),
        "mean": level + POINTS * effect.delta,
        "baseline": level,
        "delta": POINTS * effect.delta,
        "ci_low": POINTS * effect.ci_low,
        "ci_high": POINTS * effect.ci_high,
        "p": effect.p,
        "test": effect.test,
        "note": effect.note,
    }


def _by_restart(runs: pd.DataFrame, centre: pd.Series[float]) -> Scores:
    """Return the mean over tasks of each restart's scores less a centre, and its runs' seed."""
    beside = runs.join(centre.rename("centre"), on=[*map(str, centre.index.names)])
    centred = beside.assign(delta=beside["score"] - beside["centre"]).dropna(subset="delta")
    restarts = centred.groupby(["restart", "point"], dropna=False, as_index=False)
    columns = {"score": ("delta", "mean"), "seed": ("seed", "first"), "start": ("start", "first")}
    return Scores.of_runs(restarts.agg(**columns))
