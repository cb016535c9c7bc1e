"""What a source does to tasks in general: partial pooling of the transfer table over its tasks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.averages import ranked
from interlude.analysis.hierarchy import Effect, Hierarchy, fit_hierarchy
from interlude.analysis.results import FAMILY
from interlude.analysis.spread import degrees, runs_of_mean, task_variances
from interlude.analysis.transfer import ONE_ENCODER, UNLEARNED

COLUMNS = [
    *("arm", "against", "source", "role", "tasks", "delta", "mu", "ci_low", "ci_high", "tau"),
    *("new_low", "new_high", "p_new", "prior", "note"),
]
_CELL = ["arm", "against", "source", "task", "role", "delta"]
CELL_COLUMNS = [*_CELL, "pooled", "ci_low", "ci_high", "p_gain", "note"]
TOO_FEW = "cannot be estimated: fewer than 2 tasks with a difference and a known spread"
NO_SPREAD = "left out: no spread between the restarts of its task"
ASSUMED = "baseline known as a mean only: assumed to vary as the task does, over 3 restarts"
# A baseline that is known as a mean only is assumed to be of so many restarts.
_RESTARTS_OF_A_MEAN = 3
# The spread of a task counts as so many degrees of freedom beside a cell's own.
_DEGREES_OF_THE_TASK = 2


def pooled_tables(transfer: pd.DataFrame, alpha: float) -> dict[str, pd.DataFrame]:
    """Return `pooled`, a row per contrast, role and source, and `pooled_cells`, a row per cell.

    transfer: the transfer table. All in points; see `hierarchy.fit_hierarchy`.

    pooled: tasks (that went in), delta (their plain mean), mu (mean effect; posterior mean) with
    its 1 - alpha interval, tau (standard deviation of effects between tasks), new_low and new_high
    (interval of the effect on a new task), p_new (probability that a new task gains), prior (of
    tau), note (what was assumed, or why there is no estimate). Best mu first; see `with_rank`.

    pooled_cells: delta as in the transfer table, pooled (the same, drawn towards mu) with its
    interval, p_gain (probability that the task gains), note (what was assumed, or why the cell is
    left out).
    """
    cells = transfer.assign(variance=_variances(transfer))
    sources, effects = [], []
    for names, own in cells.groupby([*FAMILY, "source"], sort=False):
        used = own[own["delta"].notna() & own["variance"].notna()]
        model = _model(used, alpha)
        scope = _scope(own["note"])
        named = dict(zip([*FAMILY, "source"], names, strict=True))
        sources.append({**named, **_of_source(used, model, scope)})
        effects.append(_of_cells(own, used, model, scope))
    pooled = pd.DataFrame(sources, columns=COLUMNS)
    return {
        "pooled": ranked(pooled, "mu", ascending=False),
        "pooled_cells": pd.concat(effects, ignore_index=True)[CELL_COLUMNS]
        if effects
        else pd.DataFrame(columns=CELL_COLUMNS),
    }


def with_rank(pooled: pd.DataFrame, of_outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return `pooled` with the rank of each source in its family, 1 for the best, in its order.

    of_outcomes: `pooled` of the outcomes that sources are ranked by; the rank is by its mu.
    """
    names = [*FAMILY, "source"]
    ranks = of_outcomes.groupby(FAMILY)["mu"].rank(ascending=False)
    ranking = of_outcomes[names].assign(rank=ranks)
    return ranked(pooled.merge(ranking, on=names, how="left"), "rank")


def _variances(transfer: pd.DataFrame) -> pd.Series[float]:
    """Return the variance of each cell's delta, in points²."""
    of_task = task_variances(transfer)
    cell = _drawn_to(of_task, transfer["sd"], degrees(transfer)) / runs_of_mean(transfer)
    known = runs_of_mean(transfer, "baseline_")
    restarts = known.where(known > 0, _RESTARTS_OF_A_MEAN)
    freedom = degrees(transfer, "baseline_")
    baseline = _drawn_to(of_task, transfer["baseline_sd"], freedom) / restarts
    return (cell + baseline).replace(math.inf, math.nan)


def _drawn_to(
    of_task: pd.Series[float], sd: pd.Series[float], freedom: pd.Series[int]
) -> pd.Series[float]:
    """Return the variance of a group of restarts, drawn towards that of its task."""
    weight = freedom.clip(lower=0)
    own = weight * sd.fillna(0) ** 2
    return (_DEGREES_OF_THE_TASK * of_task + own) / (_DEGREES_OF_THE_TASK + weight)


def _model(cells: pd.DataFrame, alpha: float) -> Hierarchy | None:
    """Return the model of one source's cells; None where there are too few."""
    if len(cells) < 2:
        return None
    return fit_hierarchy(cells["delta"].to_numpy(), cells["variance"].to_numpy(), alpha)


def _scope(notes: pd.Series[str]) -> list[str]:
    """Return the notes of a source's cells that are about the source itself."""
    return [
        words for words in (ONE_ENCODER, UNLEARNED) if notes.str.contains(words, regex=False).any()
    ]


def _of_source(cells: pd.DataFrame, model: Hierarchy | None, scope: list[str]) -> dict[str, Any]:
    known = {"tasks": len(cells), "delta": cells["delta"].mean()}
    if model is None:
        return {**known, "note": "; ".join([TOO_FEW, *scope])}
    assumed = [ASSUMED] if (cells["baseline_n"] == 0).any() else []
    return {
        **known,
        "mu": model.mu,
        "ci_low": model.mu_interval[0],
        "ci_high": model.mu_interval[1],
        "tau": model.tau,
        "new_low": model.new_interval[0],
        "new_high": model.new_interval[1],
        "p_new": model.p_new,
        "prior": model.prior,
        "note": "; ".join([*assumed, *scope]),
    }


def _of_cells(
    own: pd.DataFrame, used: pd.DataFrame, model: Hierarchy | None, scope: list[str]
) -> pd.DataFrame:
    nothing = [Effect(math.nan, math.nan, math.nan, math.nan)] * len(used)
    effects = pd.DataFrame(
        [vars(effect) for effect in (model.cells if model else nothing)],
        index=used.index,
        columns=["mean", "low", "high", "p_gain"],
    ).reindex(own.index)
    notes = np.select(
        [own["delta"].isna(), own["variance"].isna(), model is None, own["baseline_n"] == 0],
        [own["note"], NO_SPREAD, TOO_FEW, ASSUMED],
        default="",
    )
    whole = [
        "; ".join(filter(None, [note, *(words for words in scope if words not in note)]))
        for note in notes
    ]
    return own[_CELL].assign(
        pooled=effects["mean"],
        ci_low=effects["low"],
        ci_high=effects["high"],
        p_gain=effects["p_gain"],
        note=whole,
    )
