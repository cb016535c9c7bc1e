"""Transfer against the size of the intermediate data, where a study trained on several sizes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.contrasts import Scores, contrast
from interlude.analysis.options import Options
from interlude.analysis.runs import POINTS, in_order
from interlude.plan.study import NO_SOURCE, size_of, task_of

COLUMNS = [
    *("kind", "source", "train_examples", "tasks", "n", "delta", "ci_low", "ci_high", "p"),
    *("test", "note"),
]


def size_curves(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return the points of each curve: kind, source and size, smallest first, all data last.

    runs: the run table after `flag_degenerate`. filtered: leave degenerate runs out.

    A point is a mean over the tasks of a kind, in points: for each restart, the mean difference of
    its scores from the means of the baseline, held against the same of the baseline's own restarts
    (see `contrasts.contrast`). n: restarts. train_examples: those of its intermediate run, else
    those of its name.
    """
    centred = _centred(runs[(runs["status"] == "ok") & ~(runs["degenerate"] & filtered)])
    rows = [
        _point(centred[centred["kind"] == kind], kind, source, examples, options)
        for kind in in_order(runs.loc[runs["kind"] != "intermediate", "kind"])
        for source, examples in _sizes(runs).items()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"train_examples": "Int64"})
    order = table["source"].map(
        {name: place for place, name in enumerate(in_order(table["source"]))}
    )
    return table.assign(order=order).sort_values(
        ["kind", "order", "train_examples"], ascending=[False, True, True], ignore_index=True
    )[COLUMNS]


def _sizes(runs: pd.DataFrame) -> dict[str, int | None]:
    """Return the sources of every task that has a reduced size -> examples trained on."""
    own = runs[runs["kind"] == "intermediate"].groupby("task", sort=False)["train_examples"].first()
    curved = {task_of(str(name)) for name in own.index if size_of(str(name)) is not None}
    known = {str(name): None if pd.isna(size) else int(size) for name, size in own.items()}
    return {
        name: size_of(name) if size is None else size
        for name, size in known.items()
        if task_of(name) in curved
    }


def _centred(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the target and probing runs with their score minus the mean of their baseline."""
    evaluated = runs[runs["kind"] != "intermediate"]
    baseline = evaluated[evaluated["source"] == NO_SOURCE].groupby(["kind", "task"])["score"].mean()
    told = evaluated.join(baseline.rename("baseline"), on=["kind", "task"])
    return told.assign(delta=told["score"] - told["baseline"]).dropna(subset="delta")


def _point(
    runs: pd.DataFrame, kind: str, source: str, examples: int | None, options: Options
) -> dict[str, Any]:
    levels = options.statistics
    own = runs[runs["source"] == source]
    baseline = runs[runs["source"] == NO_SOURCE]
    told = contrast(_by_restart(own), _by_restart(baseline), levels.alpha, levels.power)
    return {
        "kind": kind,
        "source": task_of(source),
        "train_examples": examples,
        "tasks": own["task"].nunique(),
        "n": own["restart"].nunique(),
        "delta": POINTS * told.delta,
        "ci_low": POINTS * told.ci_low,
        "ci_high": POINTS * told.ci_high,
        "p": told.p,
        "test": told.test,
        "note": told.note,
    }


def _by_restart(runs: pd.DataFrame) -> Scores:
    """Return the mean difference over tasks of each restart, and the seed of its runs."""
    restarts = runs.groupby("restart")
    return Scores(restarts["delta"].mean(), restarts["seed"].first())
