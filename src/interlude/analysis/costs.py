"""What a study took: tokens, time and energy by step."""

from __future__ import annotations

import pandas as pd

from interlude.plan.study import KINDS

_SUMS = ["tokens", "evaluation_tokens", "train_seconds", "evaluation_seconds", "total_seconds"]
_SUMS += ["energy_joules"]


def cost_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return sums over the runs of each step (kind of run), and a row `total`.

    Columns: step; runs, measured (runs with a duration); tokens, evaluation_tokens; train_seconds,
    evaluation_seconds, total_seconds (wall clock; total with start-up); device_hours;
    energy_joules; tokens_per_second (trained tokens per second of training). A sum over nothing
    measured is missing. A run that was taken from another study took nothing, and counts in `runs`
    alone.
    """
    steps = [kind for kind in KINDS if (runs["kind"] == kind).any()]
    rows = [_sums(kind, runs[runs["kind"] == kind]) for kind in steps] + [_sums("total", runs)]
    table = pd.DataFrame(rows)
    table["device_hours"] = table["total_seconds"] / 3600
    table["tokens_per_second"] = table["tokens"] / table["train_seconds"]
    return table


def _sums(step: str, runs: pd.DataFrame) -> dict[str, object]:
    own = runs[runs["taken_from"].isna()]
    measured = int(own["total_seconds"].notna().sum())
    sums = {column: own[column].sum(min_count=1) for column in _SUMS}
    return {"step": step, "runs": len(runs), "measured": measured, **sums}
