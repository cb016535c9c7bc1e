"""What went in: the table of tasks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from interlude.analysis.contrasts import NO_SCORES, Scores
from interlude.analysis.options import Options
from interlude.analysis.runs import POINTS, in_order
from interlude.analysis.transfer import cell_scores
from interlude.plan.study import KINDS, NO_SOURCE

_WHOLE = ["train_examples", "validation_examples", "n"]


def task_table(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return one row per kind and task: sizes, metric, majority and chance, and the baseline.

    Sizes are those trained and evaluated on. Scores are in points. baseline, sd, n: of source
    `none`; for an intermediate task, of its own runs. A study with skipped tasks or stand-ins has
    rows of the skipped ones as well, and a column `note`.
    """
    own = runs[runs["source"] == NO_SOURCE]
    scores = cell_scores(own, filtered)
    rows = []
    for kind in KINDS:
        of_kind = own[own["kind"] == kind]
        for task in in_order(of_kind["task"]):
            counted = scores.get((kind, NO_SOURCE, task), NO_SCORES)
            rows.append(_task_row(of_kind[of_kind["task"] == task], counted, options))
        rows += _skipped_rows(kind, options)
    if not options.notes():
        return pd.DataFrame(rows).drop(columns="note", errors="ignore")
    return pd.DataFrame(rows).astype(dict.fromkeys(_WHOLE, "Int64"))  # skipped rows have none


def _skipped_rows(kind: str, options: Options) -> list[dict[str, Any]]:
    return [
        {"task": task, "title": options.title(task), "kind": kind, "note": f"skipped: {reason}"}
        for task, reason in options.skipped.get(kind, {}).items()
    ]


def _task_row(runs: pd.DataFrame, counted: Scores, options: Options) -> dict[str, Any]:
    first = runs.iloc[0]
    published = options.stands_in_for(first["task"])
    return {
        "task": first["task"],
        "title": options.title(first["task"]),
        "kind": first["kind"],
        "form": first["form"],
        "metric": _known(runs["metric"]),
        "train_examples": _known(runs["train_examples"]),
        "validation_examples": _known(runs["validation_examples"]),
        "majority": POINTS * runs["majority_score"].max(),
        "chance": POINTS * runs["chance_score"].max(),
        "baseline": POINTS * counted.mean,
        "sd": POINTS * counted.sd,
        "n": counted.n,
        "note": f"stands in for {published}" if published else "",
    }


def _known(values: pd.Series[Any]) -> Any:
    """Return the first known value: a run that failed may lack what the others know."""
    known = values.dropna()
    return known.iloc[0] if len(known) else None
