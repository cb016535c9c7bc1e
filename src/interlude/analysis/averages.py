"""Average transfer of each source: over these tasks, and over tasks like these."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from interlude.analysis.differences import NO_SCORES, Scores, holm, welch
from interlude.analysis.options import Options
from interlude.analysis.outcomes import degenerate_shares
from interlude.analysis.results import FAMILY, POINTS, in_order
from interlude.analysis.transfer import ONE_ENCODER, UNLEARNED, CellScores

ALL_OUTCOMES, GIVEN_SUCCESS = "all outcomes", "given success"  # what a ranking may rest on
COLUMNS = [
    *(
        "arm",
        "against",
        "source",
        "role",
        "tasks",
        "n",
        "delta",
        "rank",
        "fixed_low",
        "fixed_high",
        "fixed_p",
    ),
    *("fixed_p_holm", "random_low", "random_high", "random_p", "random_p_holm"),
    *("common_tasks", "delta_common_tasks", "delta_other_tasks"),
    *("improved", "harmed", "undecided", "above", "below", "note"),
]
_RUNS = ("n_degenerate", "n_failed", "n_missing", "n_planned")
_BOTH = [
    *(
        "arm",
        "against",
        "source",
        "role",
        *_RUNS,
        "degenerate_share",
        "degenerate_low",
        "degenerate_high",
    ),
    *("tasks_all_outcomes", "delta_all_outcomes", "tasks_given_success", "delta_given_success"),
    *("common_tasks", "common_all_outcomes", "common_given_success"),
]
NO_RESTARTS = "no interval over these tasks: fewer than 2 restarts, or no spread"
BASELINE_KNOWN = "baselines are means, assumed known"


def average_table(transfer: pd.DataFrame, scores: CellScores, options: Options) -> pd.DataFrame:
    """Return the mean delta of each source over the tasks of a contrast and role, best rank first.

    transfer: the transfer table; scores: those that it counts.

    tasks: cells with a delta; n: independent restarts of the fewest. rank: by the mean of all
    outcomes, or given success, as the config says; 1 is best. fixed_low, fixed_high, fixed_p: of
    the mean over these very tasks, by how the means of restarts vary; random_low, random_high,
    random_p: of the mean over all tasks that these are a sample of, by how tasks vary. Either p is
    corrected (Holm) over the sources of a family. common_tasks, delta_common_tasks: over the tasks
    that all sources of the family share. delta_other_tasks: without transfer of a task to itself.

    improved, harmed: cells that differ from 0 after Holm's correction; undecided: all others, of
    which above lie over 0 and below under 0. note: the limits of what the row shows.
    """
    alpha = options.statistics.alpha
    compared = transfer.dropna(subset="delta")
    common = _common_tasks(compared)
    rows = [
        {
            **dict(zip(FAMILY, family, strict=True)),
            **_mean(source, cells, common[tuple(map(str, family))]),
            **_over_these_tasks(cells, scores, alpha),
            **_over_tasks(cells["delta"], alpha),
            **_counted(cells, alpha),
            "note": _note(source, cells, options),
        }
        for (*family, source), cells in compared.groupby([*FAMILY, "source"], sort=False)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    alone = table["fixed_p"].isna().map({True: NO_RESTARTS, False: ""})
    table["note"] = [
        "; ".join(filter(None, each)) for each in zip(alone, table["note"], strict=True)
    ]
    table = table.assign(rank=_ranks(transfer, table, options.statistics.ranking))
    for name in ("fixed_p", "random_p"):
        table[f"{name}_holm"] = table.groupby(FAMILY, group_keys=False)[name].transform(holm)
    return ranked(table, "rank")[COLUMNS]


def averages_by_filter(transfer: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return mean transfer of each source, of all outcomes and given success, and the ranks.

    A row per contrast, role and source.

    transfer: the transfer table, of either twin. n_degenerate, n_failed, n_missing of n_planned
    runs, and the share of degenerate ones with its interval (`outcomes.degenerate_shares`). tasks
    and delta of either; common_tasks and both deltas over the tasks that have both. Rank 1 is the
    best source. disagreement: where the two lead to different conclusions: `sign`, `order`
    (rank), or both. note: of a source that did not learn. Sorted by the rank that
    the config says.
    """
    groups = transfer.groupby([*FAMILY, "source"], sort=False)
    rows = [_both(cells) for _, cells in groups]
    table = pd.DataFrame(rows, columns=_BOTH)
    table = table.assign(**degenerate_shares(table, options.statistics.alpha))
    for name in ("all_outcomes", "given_success"):
        ranks = table.groupby(FAMILY)[f"delta_{name}"].rank(ascending=False)
        table[f"rank_{name}"] = ranks
    signs = table["delta_all_outcomes"] * table["delta_given_success"] < 0
    ranks = table["rank_all_outcomes"] != table["rank_given_success"]
    order = ranks & table["rank_given_success"].notna()
    parts = [signs.map({True: "sign", False: ""}), order.map({True: "order", False: ""})]
    table["disagreement"] = [", ".join(filter(None, row)) for row in zip(*parts, strict=True)]
    known = table.dropna(subset=["delta_all_outcomes", "delta_given_success"], how="all")
    known = ranked(known, f"rank_{options.statistics.ranking.replace(' ', '_')}")
    return known.assign(note=_unlearned(known, options))


def ranked(table: pd.DataFrame, by: str, ascending: bool = True) -> pd.DataFrame:
    """Return rows by contrast, as they come; target tasks first; then the best of column `by`."""
    contrasts = table["arm"] + " " + table["against"]
    place = {name: number for number, name in enumerate(in_order(contrasts))}
    return (
        table.assign(_place=contrasts.map(place))
        .sort_values(["_place", "role", by], ascending=[True, False, ascending], kind="stable")
        .drop(columns="_place")
        .reset_index(drop=True)
    )


def _unlearned(table: pd.DataFrame, options: Options) -> list[str]:
    pairs = zip(table["arm"], table["source"], strict=True)
    return [UNLEARNED if pair in options.unlearned else "" for pair in pairs]


def _both(cells: pd.DataFrame) -> dict[str, Any]:
    both = cells.dropna(subset=["delta_all_outcomes", "delta_given_success"])
    row: dict[str, Any] = {name: cells[name].iloc[0] for name in [*FAMILY, "source"]}
    row |= {name: int(cells[name].sum()) for name in _RUNS}
    for name in ("all_outcomes", "given_success"):
        row[f"tasks_{name}"] = int(cells[f"delta_{name}"].notna().sum())
        row[f"delta_{name}"] = cells[f"delta_{name}"].mean()
    row["common_tasks"] = len(both)
    for name in ("all_outcomes", "given_success"):
        row[f"common_{name}"] = both[f"delta_{name}"].mean()
    return row


def _common_tasks(compared: pd.DataFrame) -> dict[tuple[str, ...], list[str]]:
    """Return family -> the tasks on which every source of it that has any delta has one."""
    return {
        tuple(map(str, family)): [
            str(task)
            for task, part in cells.groupby("task", sort=False)
            if part["source"].nunique() == cells["source"].nunique()
        ]
        for family, cells in compared.groupby(FAMILY, sort=False)
    }


def _mean(source: Any, cells: pd.DataFrame, common: list[str]) -> dict[str, Any]:
    return {
        "source": source,
        "tasks": len(cells),
        "delta": cells["delta"].mean(),
        "common_tasks": len(common),
        "delta_common_tasks": cells.loc[cells["task"].isin(common), "delta"].mean(),
        "delta_other_tasks": cells.loc[cells["task"] != source, "delta"].mean(),
    }


def _over_these_tasks(cells: pd.DataFrame, scores: CellScores, alpha: float) -> dict[str, Any]:
    """Return n, interval and p of the mean over these tasks: only restarts are random."""
    own = _restart_means(scores[key] for key in _keys(cells, "arm", "source"))
    baseline = _restart_means(scores[key] for key in _keys(cells, "against", "baseline_source"))
    parts = [side.variance_of_mean for side in (own, baseline) if side.degrees > 0]
    n = int(cells["n"].min())
    if own.degrees < 1 or not sum(variance for variance, _ in parts):
        return {"n": n}
    low, high, p = welch(cells["delta"].mean(), [_in_points(part) for part in parts], alpha)
    return {"n": n, "fixed_low": low, "fixed_high": high, "fixed_p": p}


def _keys(cells: pd.DataFrame, arm: str, source: str) -> list[tuple[str, str, str, str]]:
    """Return the keys of one side of cells, whose arm and source stand in these columns."""
    keys = cells[[arm, "role", source, "task"]].itertuples(index=False, name=None)
    return [(str(arm), str(role), str(source), str(task)) for arm, role, source, task in keys]


def _in_points(part: tuple[float, int]) -> tuple[float, int]:
    variance, freedom = part
    return POINTS**2 * variance, freedom


def _restart_means(tasks: Iterable[Scores]) -> Scores:
    """Return the mean over tasks of each restart, minus that of all restarts.

    A restart that lacks a task, or a point of a grid, is not shifted by how hard that is. Tasks of
    which one run is known have no spread, and those known as a mean only have no restarts.
    There is no mean where trials are independent on some tasks, and only starts on others.
    """
    known = [task for task in tasks if len(task.by_restart) > 1]
    if len({task.has_points for task in known}) > 1:
        return NO_SCORES
    deviations = {number: task.deviations for number, task in enumerate(known)}
    return Scores(pd.DataFrame(deviations, dtype="float64").mean(axis="columns"))


def _over_tasks(deltas: pd.Series[float], alpha: float) -> dict[str, float]:
    """Return interval and p of the mean over tasks like these: tasks are random, too."""
    n, variance = len(deltas), float(deltas.var())
    if n < 2 or not variance > 0:
        return {}
    low, high, p = welch(float(deltas.mean()), [(variance / n, n - 1)], alpha)
    return {"random_low": low, "random_high": high, "random_p": p}


def _counted(cells: pd.DataFrame, alpha: float) -> dict[str, int]:
    significant = cells["p_holm"] < alpha
    above, below = cells["delta"] > 0, cells["delta"] < 0
    return {
        "improved": int((significant & above).sum()),
        "harmed": int((significant & below).sum()),
        "undecided": int((~significant).sum()),
        "above": int((~significant & above).sum()),
        "below": int((~significant & below).sum()),
    }


def _note(source: Any, cells: pd.DataFrame, options: Options) -> str:
    of_one = cells["note"].str.contains(ONE_ENCODER, regex=False).any()
    notes = {
        BASELINE_KNOWN: (cells["baseline_n"] == 0).all(),
        ONE_ENCODER: of_one,
        UNLEARNED: (cells["arm"].iloc[0], source) in options.unlearned,
    }
    return "; ".join(words for words, holds in notes.items() if holds)


def _ranks(transfer: pd.DataFrame, table: pd.DataFrame, ranking: str) -> list[float]:
    names = [*FAMILY, "source"]
    means = transfer.groupby(names)[f"delta_{ranking.replace(' ', '_')}"].mean()
    ranks = means.groupby(level=FAMILY).rank(ascending=False)
    places = table[names].itertuples(index=False, name=None)
    return [ranks.get(place, math.nan) for place in places]
