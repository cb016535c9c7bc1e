"""The one rule by which runs count as degenerate, and the runs that it marks. It removes no row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from typing_extensions import override

DIVERGED = "diverged"
CONSTANT = "constant predictions"
CHANCE = "not above majority or chance"
_CELL = ("arm", "role", "source", "examples", "task", "task_examples")
# Two ways to compute the same accuracy may differ in the last bits.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class DegenerateRule:
    """Which runs count as degenerate, beside those that diverged.

    margin: how far above max(majority, chance) a score must be, in units of the score.
    constant: runs whose predictions are all the same.
    chance: runs whose score is not above that floor.
    exclude: whether the main tables leave these runs out; their twins do the opposite.
    """

    margin: float = 0.0
    constant: bool = True
    chance: bool = True
    exclude: bool = True

    @override
    def __str__(self) -> str:
        parts = [DIVERGED]
        parts += [CONSTANT] if self.constant else []
        parts += [f"score not above max(majority, chance) + {self.margin:g}"] if self.chance else []
        return "; ".join(parts)


def flag_degenerate(runs: pd.DataFrame, rule: DegenerateRule) -> pd.DataFrame:
    """Return the runs with columns `degenerate` (bool) and `degenerate_reason` (text, or missing).

    A run with several reasons has the first of: diverged, constant predictions, chance.
    """
    floor = runs[["majority_score", "chance_score"]].max(axis="columns")
    at_chance = runs["score"] <= floor + rule.margin + _ROUNDING
    tests = {
        DIVERGED: runs["status"] == "diverged",
        CONSTANT: (runs["status"] == "ok") & runs["constant"].fillna(False) & rule.constant,
        CHANCE: (runs["status"] == "ok") & at_chance & rule.chance,
    }
    masks = [test.to_numpy(dtype=bool) for test in tests.values()]
    reason = np.select(masks, list(tests), default="")
    return runs.assign(
        degenerate=reason != "",
        degenerate_reason=pd.Series(reason, index=runs.index, dtype="str").replace("", None),
    )


def scored(runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    """Return the flagged runs that have an outcome, its value as their score.

    filtered: those that succeeded. Otherwise all, degenerate ones at what a user would get: their
    score, or max(majority, chance) where they diverged. A run that failed has no outcome.
    """
    if filtered:
        return runs[(runs["status"] == "ok") & ~runs["degenerate"]]
    diverged = runs["status"] == "diverged"
    outcome = runs["score"].where(~diverged, _floor(runs))
    has_outcome = (diverged | (runs["status"] == "ok")) & outcome.notna()
    return runs.assign(score=outcome)[has_outcome]


def unlearned_sources(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Return arm and source where all own trainings are degenerate; runs are flagged."""
    own = runs[(runs["role"] == "intermediate") & runs["status"].isin(["ok", "diverged"])]
    whole = own[own["examples"].isna()]
    never = whole.groupby(["arm", "task"], sort=False)["degenerate"].all()
    return [(str(arm), str(task)) for arm, task in never.index[never]]


def _floor(runs: pd.DataFrame) -> pd.Series[float]:
    """Return max(majority, chance) of each run; where a run lacks it, its task's."""
    own = runs[["majority_score", "chance_score"]].max(axis="columns")
    return own.fillna(own.groupby([runs["role"], runs["task"]]).transform("max"))


def degenerate_table(runs: pd.DataFrame, rule: DegenerateRule) -> pd.DataFrame:
    """Return the count of degenerate runs per cell and reason, with the rule that marked them.

    Columns: arm, source, examples, task, task_examples (both of studies with reduced sizes), role,
    reason, n_degenerate, n_runs, rule. Only cells that have any.
    """
    cell = _used(runs, *_CELL)
    total = runs.groupby(cell, sort=False, dropna=False).size().rename("n_runs")
    marked = runs[runs["degenerate"]]
    reasons = marked.groupby([*cell, "degenerate_reason"], sort=False, dropna=False).size()
    table = reasons.rename("n_degenerate").reset_index().merge(total.reset_index(), on=cell)
    table = table.rename(columns={"degenerate_reason": "reason"}).assign(rule=str(rule))
    named = [name for name in cell if name != "role"]
    return table[[*named, "role", "reason", "n_degenerate", "n_runs", "rule"]]


def excluded_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Return every run that a filtered table leaves out, with the reason.

    Columns: arm, role, source, examples, task, task_examples (both of studies with reduced sizes),
    restart, point (of studies with a grid), status, score, excluded, reason.
    """
    out = runs[runs["degenerate"] | runs["status"].isin(["failed", "missing", "diverged"])]
    why = out["degenerate_reason"].fillna(out["status"])
    named = _used(runs, *_CELL, "restart", "point")
    table = out.assign(excluded=why)[[*named, "status", "score", "excluded", "reason"]]
    return table.reset_index(drop=True)


def _used(runs: pd.DataFrame, *names: str) -> list[str]:
    """Return the names of columns without those that no run of the study has a value in."""
    optional = ("examples", "task_examples", "point")
    return [name for name in names if name not in optional or runs[name].notna().any()]
