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


ARM_COLUMNS = [
    *("arm", "scores", "trainings", "shared", "measured", "tokens", "total_seconds"),
    *("tokens_per_score", "seconds_per_score"),
]


def arm_costs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return what each arm takes by itself, and what a score costs in it.

    scores: of target and probing tasks. trainings: those that its scores are read from, and those
    of its first stages; shared: of these, what another arm of the study takes as well. tokens and
    total_seconds: of all these trainings, as if no other arm had paid for any; missing where
    nothing was measured. A stage between the first and the last has no score, and is not counted.
    """
    arms = runs.groupby("training")["arm"].nunique()
    several = set(arms.index[arms > 1])
    rows = [_of_arm(str(arm), own, several) for arm, own in runs.groupby("arm", sort=False)]
    return pd.DataFrame(rows, columns=ARM_COLUMNS)


def _of_arm(arm: str, runs: pd.DataFrame, several: set[str]) -> dict[str, object]:
    once = runs.dropna(subset="training").drop_duplicates("training")
    scores = int((runs["role"] != "intermediate").sum())
    sums = {name: once[name].sum(min_count=1) for name in ("tokens", "total_seconds")}
    return {
        "arm": arm,
        "scores": scores,
        "trainings": len(once),
        "shared": int(once["training"].isin(several).sum()),
        "measured": int(once["total_seconds"].notna().sum()),
        **sums,
        "tokens_per_score": sums["tokens"] / scores if scores else None,
        "seconds_per_score": sums["total_seconds"] / scores if scores else None,
    }
