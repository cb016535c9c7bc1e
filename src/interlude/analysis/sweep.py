"""The sweep: which of the tried settings a task is trained with. Works on records alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.runs import POINTS, to_table


def sweep_table(
    records: Sequence[Mapping[str, Any]], settings: Sequence[str], rule: DegenerateRule
) -> pd.DataFrame:
    """Return one row per run of a sweep, with a mark at the one that each task and kind keeps.

    records: whose `restart` is the number of the combination. settings: names of those tried.
    Columns: kind, task; number of the combination; one column per setting; metric; score (points);
    status; degenerate_reason (missing where there is none); chosen (bool).
    """
    runs = flag_degenerate(to_table(records), rule)
    tried = runs["hyperparameters"].map(json.loads)
    columns = {name: tried.map(lambda each, name=name: each[name]) for name in settings}
    table = runs[["kind", "task"]].assign(number=runs["restart"], **columns)
    told = ["metric", "status", "degenerate_reason"]
    table = table.join(runs[told]).assign(score=runs["score"] * POINTS)
    return table.assign(chosen=_best(runs))[
        ["kind", "task", "number", *settings, "metric", "score", *told[1:], "chosen"]
    ]


def choose(
    records: Sequence[Mapping[str, Any]], settings: Sequence[str], rule: DegenerateRule
) -> dict[str, Any]:
    """Return the choice among the runs of one task and kind: `number` and `settings`.

    Where every run was degenerate or without a result, nothing is chosen: number None and no
    settings, so that those of the config stay.

    It holds no scores: while the same settings win, it stays the same and nothing retrains.
    """
    chosen = sweep_table(records, settings, rule)["chosen"]
    for record in compress(records, chosen):
        tried = record["hyperparameters"]
        return {"number": record["restart"], "settings": {name: tried[name] for name in settings}}
    return {"number": None, "settings": {}}


def read_sweep(path: Path) -> pd.DataFrame:
    """Read the table of a sweep. Settings stay text, so that a learning rate keeps its digits."""
    return pd.read_csv(path, dtype="str").astype({"score": "float64"})


def _best(runs: pd.DataFrame) -> pd.Series[bool]:
    """Mark the first run with the highest score of each task and kind that is not degenerate."""
    sound = runs[(runs["status"] == "ok") & ~runs["degenerate"]]
    best = sound.groupby(["kind", "task"])["score"].idxmax()
    return runs.index.to_series().isin(best)
