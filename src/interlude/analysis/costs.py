"""What a study cost: tokens, time and energy by step, and by arm.

Each training of the study's table counts, also one that no score is read from: a stage between the
first and the last of a chain, or what a dynamic mixture was compared with.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd

from interlude.words import ROLES

_SUMS = ["tokens", "evaluation_tokens", "train_seconds", "evaluation_seconds", "total_seconds"]
_SUMS += ["energy_joules"]
UNSCORED = "no score"  # stands as step where no cell is read from a training


def cost_table(runs: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """Return sums over the trainings of each step (role of a run), and a row `total`.

    A training that several runs read counts once, in the step of the first of them; a run without
    a known training counts as one that cost nothing. A training that no run reads counts in a step
    of its own.

    Columns: step; trainings, measured (trainings with a duration); tokens, evaluation_tokens;
    train_seconds, evaluation_seconds, total_seconds (wall clock; total with start-up);
    energy_joules; device_hours; tokens_per_second (trained tokens per second of training). A sum
    over nothing measured is missing. A training that was reused from another study cost nothing and
    counts in `trainings` alone. Of trainings that shared a GPU nobody knows the joules, so that
    their sum is missing too; of its hours each has the part that it has by the most that were there
    at a time, or more.
    """
    read = runs[~runs["training"].duplicated() | runs["training"].isna()]
    unread = trainings[~trainings["training"].isin(runs["training"])]
    once = pd.concat([read, unread.assign(role=UNSCORED)]) if len(unread) else read
    steps = [step for step in (*ROLES, UNSCORED) if (once["role"] == step).any()]
    rows = [_sums(step, once[once["role"] == step]) for step in steps] + [_sums("total", once)]
    table = pd.DataFrame(rows)
    table["tokens_per_second"] = table["tokens"] / table["train_seconds"]
    return table


def _sums(step: str, trainings: pd.DataFrame) -> dict[str, object]:
    own = trainings[trainings["taken_from"].isna()]
    measured = int(own["total_seconds"].notna().sum())
    sums = {column: own[column].sum(min_count=1) for column in _SUMS}
    runs = own["runs_on_gpu"].astype(float).fillna(1)
    if (runs > 1).any():
        sums["energy_joules"] = math.nan
    hours = (own["total_seconds"] / runs).sum(min_count=1) / 3600
    counts = {"step": step, "trainings": len(trainings), "measured": measured}
    return {**counts, **sums, "device_hours": hours}


ARM_COLUMNS = [
    *("arm", "scores", "trainings", "shared", "measured", "tokens", "total_seconds"),
    *("tokens_per_score", "seconds_per_score", "tokens_per_second"),
    *("trained_parameters", "start_bytes", "peak_memory_bytes"),
]


def arm_costs(runs: pd.DataFrame, trainings: pd.DataFrame) -> pd.DataFrame:
    """Return what each arm costs by itself, and what a score costs in it.

    scores: of target and probing tasks. trainings: those that its scores are read from, those of
    its first stages, and all that these started from or were compared with; shared: of these, what
    another arm of the study needs as well. tokens and total_seconds: of all these trainings, as if
    no other arm had paid for any; missing where nothing was measured.
    tokens_per_second: trained tokens per second of training. trained_parameters: median over these
    trainings; start_bytes: over those that left others a start, the disk that a source takes;
    peak_memory_bytes: the largest of those that are known, what a machine must have.
    """
    needs = _needs(trainings)
    needed = {arm: _reached(own["training"], needs) for arm, own in runs.groupby("arm", sort=False)}
    arms = Counter(id for ids in needed.values() for id in ids)
    scored = runs[runs["role"] != "intermediate"].groupby("arm").size()
    rows = [
        _of_arm(arm, int(scored.get(arm, 0)), trainings[trainings["training"].isin(ids)])
        | {"trainings": len(ids), "shared": sum(arms[id] > 1 for id in ids)}
        for arm, ids in needed.items()
    ]
    return pd.DataFrame(rows, columns=ARM_COLUMNS)


def _needs(trainings: pd.DataFrame) -> dict[str, list[str]]:
    """Return id -> the ids of what a training started from and was compared with, if known."""
    compared = trainings["references"].fillna("[]").map(json.loads)
    columns = zip(trainings["training"], trainings["start"], compared, strict=True)
    named = {id: [start, *references] for id, start, references in columns}
    return {id: [each for each in others if each in named] for id, others in named.items()}


def _reached(ids: Iterable[str], needs: Mapping[str, list[str]]) -> set[str]:
    """Return the ids of trainings, with those of all that they need."""
    reached: set[str] = set()
    waiting = [id for id in ids if pd.notna(id)]
    while waiting:
        id = waiting.pop()
        if id not in reached:
            reached.add(id)
            waiting += needs.get(id, [])
    return reached


def _of_arm(arm: object, scores: int, trainings: pd.DataFrame) -> dict[str, object]:
    sums = {name: trainings[name].sum(min_count=1) for name in ("tokens", "total_seconds")}
    return {
        "arm": arm,
        "scores": scores,
        "measured": int(trainings["total_seconds"].notna().sum()),
        **sums,
        "tokens_per_score": sums["tokens"] / scores if scores else None,
        "seconds_per_score": sums["total_seconds"] / scores if scores else None,
        "tokens_per_second": _speed(trainings),
        **{name: _median(trainings[name]) for name in ("trained_parameters", "start_bytes")},
        "peak_memory_bytes": trainings["peak_memory_bytes"].max(),
    }


def _speed(trainings: pd.DataFrame) -> float | None:
    timed = trainings.dropna(subset=["tokens", "train_seconds"])
    seconds = float(timed["train_seconds"].sum())
    return float(timed["tokens"].sum()) / seconds if seconds else None


def _median(numbers: pd.Series[int]) -> float | None:
    known = numbers.dropna()
    return float(known.median()) if len(known) else None
