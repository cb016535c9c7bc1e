"""What went in: the table of tasks."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd

from interlude.analysis.differences import NO_SCORES, Scores
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order
from interlude.analysis.transfer import cell_scores
from interlude.words import NO_SOURCE, ROLES

_WHOLE = ["train_examples", "validation_examples", "n"]


def task_table(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return one row per role and task: sizes, metric, majority and chance, and the baseline.

    Sizes are those trained and evaluated on. truncated, lost: per cent of all examples of a part at
    the task's max_length, see docs/contracts.md. Scores are in points. baseline, sd, n: of the arm
    that the main contrast is compared with; for an intermediate task, of its own runs. A study with
    skipped tasks or stand-ins has rows of the skipped ones as well, and a column `note`.
    """
    own = _own(runs, options)
    scores = {key[1:]: each for key, each in cell_scores(own, filtered).items()}
    rows = []
    for role in ROLES:
        of_role = own[own["role"] == role]
        for task in in_order(of_role["task"]):
            counted = scores.get((role, NO_SOURCE, task), NO_SCORES)
            rows.append(_task_row(of_role[of_role["task"] == task], counted, options))
        rows += _skipped_rows(role, options)
    if not options.notes():
        return pd.DataFrame(rows).drop(columns="note", errors="ignore")
    return pd.DataFrame(rows).astype(dict.fromkeys(_WHOLE, "Int64"))  # skipped rows have none


def _own(runs: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return the runs that a task's row is made from: of one arm for each role and task.

    That is the baseline's, where it is among those without a source, else the first one.
    """
    alone = runs[runs["source"] == NO_SOURCE]
    baseline = options.main.against if options.main else ""
    sorted_by_arm = alone.assign(other=alone["arm"] != baseline).sort_values("other", kind="stable")
    first = sorted_by_arm.groupby(["role", "task"])["arm"].transform("first")
    return alone[alone["arm"] == first.reindex(alone.index)]


def _skipped_rows(role: str, options: Options) -> list[dict[str, Any]]:
    return [
        {"task": task, "title": options.title(task), "role": role, "note": f"skipped: {reason}"}
        for task, reason in options.skipped.get(role, {}).items()
    ]


def _task_row(runs: pd.DataFrame, counted: Scores, options: Options) -> dict[str, Any]:
    first = runs.iloc[0]
    published = options.stands_in_for(first["task"])
    return {
        "task": first["task"],
        "title": options.title(first["task"]),
        "role": first["role"],
        "form": first["form"],
        "metric": _known(runs["metric"]),
        "train_examples": _known(runs["train_examples"]),
        "validation_examples": _known(runs["validation_examples"]),
        **_truncated(_known(runs["truncation"])),
        "majority": POINTS * runs["majority_score"].max(),
        "chance": POINTS * runs["chance_score"].max(),
        "baseline": POINTS * counted.mean,
        "sd": POINTS * counted.sd,
        "n": counted.n,
        "note": f"stands in for {published}" if published else "",
    }


def _truncated(truncation: str | None) -> dict[str, float]:
    """Return which share of each part is truncated, and lost, in per cent; NaN where not known."""
    counts = {} if truncation is None else json.loads(truncation)
    return {
        f"{part}_{what}": _percent(counts.get(part, {}), what)
        for part in ("train", "validation")
        for what in ("truncated", "lost")
    }


def _percent(counts: dict[str, int], what: str) -> float:
    return 100 * counts[what] / counts["examples"] if what in counts else math.nan


def _known(values: pd.Series[Any]) -> Any:
    """Return the first known value: a run that failed may lack what the others have."""
    known = values.dropna()
    return known.iloc[0] if len(known) else None
