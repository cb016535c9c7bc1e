"""Transfer against the size of the intermediate data, where a study trained on several sizes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.contrasts import Scores, contrast
from interlude.analysis.degenerate import scored
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order
from interlude.words import NO_SOURCE

COLUMNS = [
    *("role", "source", "train_examples", "tasks", "n", "delta", "ci_low", "ci_high", "p"),
    *("test", "note"),
]


def size_curves(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return the points of each curve: role, source and size, smallest first, all data last.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.

    A point is a mean over the tasks of a role, in points: for each restart, the mean difference of
    its scores from the means of the baseline, held against the same of the baseline's own restarts
    (see `contrasts.contrast`). n: restarts. train_examples: those of its intermediate run, else
    those that were declared.
    """
    centred = _centred(scored(runs, filtered))
    rows = [
        {"role": role, **_point(centred[centred["role"] == role], size, options)}
        for role in in_order(runs.loc[runs["role"] != "intermediate", "role"])
        for size in _sizes(runs).itertuples(index=False)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"train_examples": "Int64"})
    order = table["source"].map(
        {name: place for place, name in enumerate(in_order(table["source"]))}
    )
    return table.assign(order=order).sort_values(
        ["role", "order", "train_examples"], ascending=[False, True, True], ignore_index=True
    )[COLUMNS]


def _sizes(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the sizes of every source that has a reduced one: source, examples, train_examples.

    examples: as declared, missing for all of them. train_examples: trained on.
    """
    own = runs[runs["role"] == "intermediate"].drop(columns="source")
    named = own.rename(columns={"task": "source"})
    of_size = named.groupby(["source", "examples"], sort=False, dropna=False)
    sizes = of_size["train_examples"].first().reset_index()
    curved = sizes.loc[sizes["examples"].notna(), "source"]
    known = sizes["train_examples"].fillna(sizes["examples"])
    return sizes.assign(train_examples=known)[sizes["source"].isin(curved)]


def _centred(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the target and probing runs with their score minus the mean of their baseline."""
    evaluated = runs[runs["role"] != "intermediate"]
    baseline = evaluated[evaluated["source"] == NO_SOURCE].groupby(["role", "task"])["score"].mean()
    paired = evaluated.join(baseline.rename("baseline"), on=["role", "task"])
    return paired.assign(delta=paired["score"] - paired["baseline"]).dropna(subset="delta")


def _point(runs: pd.DataFrame, size: Any, options: Options) -> dict[str, Any]:
    """Return what the runs of a role say of a source's size, a row of `_sizes`."""
    levels = options.statistics
    whole = pd.isna(size.examples)
    of_size = runs["examples"].isna() if whole else runs["examples"].eq(size.examples).fillna(False)
    own = runs[of_size & (runs["source"] == size.source)]
    baseline = runs[runs["source"] == NO_SOURCE]
    difference = contrast(_by_restart(own), _by_restart(baseline), levels.alpha, levels.paired)
    return {
        "source": size.source,
        "train_examples": size.train_examples,
        "tasks": own["task"].nunique(),
        "n": own["restart"].nunique(),
        "delta": POINTS * difference.delta,
        "ci_low": POINTS * difference.ci_low,
        "ci_high": POINTS * difference.ci_high,
        "p": difference.p,
        "test": difference.test,
        "note": difference.note,
    }


def _by_restart(runs: pd.DataFrame) -> Scores:
    """Return the mean difference over tasks of each restart, and the seed of its runs."""
    restarts = runs.groupby("restart")
    return Scores(restarts["delta"].mean(), restarts["seed"].first())
