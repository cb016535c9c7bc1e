"""What a study took: tokens, time and energy by step."""

from __future__ import annotations

import pandas as pd

from interlude.words import ROLES

_SUMS = ["tokens", "evaluation_tokens", "train_seconds", "evaluation_seconds", "total_seconds"]
_SUMS += ["energy_joules"]


def cost_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return sums over the trainings of each step (role of a run), and a row `total`.

    A training that several runs read counts once, in the step of the first of them; a run without
    a known training counts as one that took nothing.

    Columns: step; trainings, measured (trainings with a duration); tokens, evaluation_tokens;
    train_seconds, evaluation_seconds, total_seconds (wall clock; total with start-up);
    device_hours; energy_joules; tokens_per_second (trained tokens per second of training). A sum
    over nothing measured is missing. A training that was taken from another study took nothing, and
    counts in `trainings` alone.
    """
    once = runs[~runs["training"].duplicated() | runs["training"].isna()]
    steps = [role for role in ROLES if (once["role"] == role).any()]
    rows = [_sums(role, once[once["role"] == role]) for role in steps] + [_sums("total", once)]
    table = pd.DataFrame(rows)
    table["device_hours"] = table["total_seconds"] / 3600
    table["tokens_per_second"] = table["tokens"] / table["train_seconds"]
    return table


def _sums(step: str, trainings: pd.DataFrame) -> dict[str, object]:
    own = trainings[trainings["taken_from"].isna()]
    measured = int(own["total_seconds"].notna().sum())
    sums = {column: own[column].sum(min_count=1) for column in _SUMS}
    return {"step": step, "trainings": len(trainings), "measured": measured, **sums}
