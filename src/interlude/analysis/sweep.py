"""The sweep: which of the tried settings a task is trained with. Works on runs alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate, scored
from interlude.analysis.results import POINTS


def sweep_table(runs: pd.DataFrame, settings: Sequence[str], rule: DegenerateRule) -> pd.DataFrame:
    """Return one row per run of a sweep, with a mark at the one that each task and role keeps.

    runs: of the sweep, as `results.joined` returns them. settings: names of those tried.
    Columns: role, task; point (number of the combination); one column per setting; metric; score
    (points); status; degenerate_reason (missing where there is none); chosen (bool).
    """
    flagged = flag_degenerate(runs, rule)
    tried = runs["hyperparameters"].fillna("{}").map(json.loads)  # none of a run that is missing
    columns = {name: tried.map(lambda each, name=name: each.get(name)) for name in settings}
    table = runs[["role", "task", "point"]].assign(**columns, metric=runs["metric"])
    status = flagged[["status", "degenerate_reason"]]
    return table.assign(score=runs["score"] * POINTS).join(status).assign(chosen=_best(flagged))


def choose(runs: pd.DataFrame, settings: Sequence[str], rule: DegenerateRule) -> dict[str, Any]:
    """Return the choice among the runs of one task and role: `point` and `settings`.

    Where every run was degenerate or without a result, nothing is chosen: point None and no
    settings, so that those of the config stay.

    It holds no scores: while the same settings win, it stays the same and nothing retrains.
    """
    best = runs[_best(flag_degenerate(runs, rule))]
    if best.empty:
        return {"point": None, "settings": {}}
    tried = json.loads(best["hyperparameters"].iloc[0])
    return {
        "point": int(best["point"].iloc[0]),
        "settings": {name: tried[name] for name in settings},
    }


def read_sweep(path: Path) -> pd.DataFrame:
    """Read the table of a sweep. Settings stay text, so that a learning rate keeps its digits."""
    return pd.read_csv(path, dtype="str").astype({"score": "float64"})


def _best(runs: pd.DataFrame) -> pd.Series[bool]:
    """Mark the first run with the highest score of each task and role that is not degenerate."""
    sound = scored(runs, filtered=True)
    best = sound.groupby(["role", "task"])["score"].idxmax()
    return runs.index.to_series().isin(best)
