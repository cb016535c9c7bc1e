"""What a study will cost, from a few measured runs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interlude.errors import InputError
from interlude.words import ROLES

_GIGABYTE = 1e9
# A record, its predictions and its log.
_FILES_OF_A_RUN = 100e3


def estimate(planned: pd.DataFrame, measured: pd.DataFrame, model_bytes: float) -> pd.DataFrame:
    """Return runs, tokens, device hours and disk by step, and a row `total`.

    planned: one row per role and task with columns role, task, runs, train_examples (missing: as
    many as were measured), epochs. measured: runs of `results.read_runs`; those that ended well are
    used. model_bytes: size of an encoder, of which every intermediate run keeps one; NaN: not
    known.

    Tokens of a task follow from the tokens per example and pass measured on it, or, where it was
    not measured, from the median over the tasks that were; time from the seconds per token of the
    same role, evaluation and start-up as measured; of trainings that shared a GPU their part of it,
    by the most that were there at a time. Columns: step, runs, measured_tasks, tasks,
    tokens, hours, disk_gb. Raises InputError when nothing is planned or measured.
    """
    if planned.empty:
        raise InputError("plan: the study trains nothing.")
    rates = _rates(measured)
    rows = pd.DataFrame([_estimated(plan, rates) for _, plan in planned.iterrows()])
    by_step = rows.groupby("step", sort=False)
    table = by_step[["runs", "measured_tasks", "tasks", "tokens", "hours"]].sum()
    table = table.loc[[role for role in ROLES if role in table.index]]
    kept = np.where(table.index == "intermediate", model_bytes, 0)
    table["disk_gb"] = table["runs"] * (kept + _FILES_OF_A_RUN) / _GIGABYTE
    table.loc["total"] = table.sum(skipna=False)
    whole = ["runs", "measured_tasks", "tasks"]
    return table.reset_index().astype(dict.fromkeys(whole, "int64"))


def counts(planned: pd.DataFrame) -> pd.DataFrame:
    """Return how many trainings and tasks each step has, and a row `total`.

    planned: as for `estimate`. Raises InputError when nothing is planned.
    """
    if planned.empty:
        raise InputError("plan: the study trains nothing.")
    table = planned.groupby("role", sort=False).agg(runs=("runs", "sum"), tasks=("task", "nunique"))
    table.loc["total"] = table.sum()
    return table.rename_axis("step").reset_index()


def planned_examples(entries: list[dict[str, Any]], data: Path) -> pd.DataFrame:
    """Return the planned tasks with the examples that each run will train on.

    entries: role, task, runs, epochs, batch_size; steps, limit (examples at most) and published
    (official size), which may be None. data: folder of the normalised tasks; the size of a task
    in it is known; otherwise the published size is used; otherwise it is missing. Steps become
    epochs where the size is known. A run that stops early costs less than planned.
    """
    return pd.DataFrame([_planned(entry, data) for entry in entries])


def _planned(entry: dict[str, Any], data: Path) -> dict[str, Any]:
    examples = _examples(entry, data / entry["task"] / "manifest.json")
    epochs = entry["epochs"]
    if entry["steps"] is not None and not math.isnan(examples):
        epochs = entry["steps"] * entry["batch_size"] / examples
    named = {name: entry[name] for name in ("role", "task", "runs")}
    return {**named, "train_examples": examples, "epochs": epochs}


def _examples(entry: dict[str, Any], manifest: Path) -> float:
    size = entry["published"]
    if manifest.exists():
        size = json.loads(manifest.read_text(encoding="utf8"))["sizes"]["train"]
    known = [number for number in (entry["limit"], size) if number is not None]
    return float(min(known)) if known else math.nan


def _rates(measured: pd.DataFrame) -> pd.DataFrame:
    """Return one row per measured run with its costs per example and per token."""
    usable = ["tokens", "train_examples", "train_seconds", "total_seconds", "hyperparameters"]
    good = measured[(measured["status"] == "ok") & measured[usable].notna().all(axis="columns")]
    if good.empty:
        raise InputError(
            "plan: no run was measured. Run a few first, or name tables of others in the config, "
            "key plan.measured."
        )
    passes = good.apply(_passes_done, axis="columns")
    runs = good["runs_on_gpu"].astype(float).fillna(1)
    return pd.DataFrame(
        {
            "role": good["role"],
            "task": good["task"],
            "examples": good["train_examples"].astype(float),
            "tokens_per_example": good["tokens"].astype(float) / good["train_examples"] / passes,
            "seconds_per_token": good["train_seconds"] / good["tokens"].astype(float) / runs,
            "fixed_seconds": (good["total_seconds"] - good["train_seconds"]) / runs,
        }
    )


def _passes_done(run: pd.Series[Any]) -> float:
    """Return how often a measured run saw each of its training examples."""
    settings = json.loads(run["hyperparameters"])
    if settings.get("steps") or settings.get("evaluate_every") or settings.get("patience"):
        return float(run["steps"] * settings["batch_size"] / run["train_examples"])
    return float(settings["epochs"])


def _estimated(plan: pd.Series[Any], rates: pd.DataFrame) -> dict[str, Any]:
    of_task = rates[rates["task"] == plan["task"]]
    of_role = rates[rates["role"] == plan["role"]]
    nearest = next(part for part in (of_task, of_role, rates) if len(part))
    speed = next(
        part for part in (of_task[of_task["role"] == plan["role"]], of_role, rates) if len(part)
    )
    planned = plan["train_examples"]
    examples = nearest["examples"].median() if pd.isna(planned) else planned
    tokens = plan["runs"] * nearest["tokens_per_example"].median() * examples * plan["epochs"]
    fixed = plan["runs"] * speed["fixed_seconds"].median()
    return {
        "step": plan["role"],
        "runs": plan["runs"],
        "measured_tasks": int(len(of_task) > 0),
        "tasks": 1,
        "tokens": tokens,
        "hours": (tokens * speed["seconds_per_token"].median() + fixed) / 3600,
    }
