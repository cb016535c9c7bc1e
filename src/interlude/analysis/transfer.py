"""The transfer table: what each source does to each task, against the baseline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from interlude.analysis.contrasts import NO_SCORES, Scores, contrast, false_discovery, holm
from interlude.analysis.degenerate import scored
from interlude.analysis.detectable import with_detectable
from interlude.analysis.options import Options, Statistics
from interlude.analysis.results import POINTS, in_order
from interlude.words import NO_SOURCE

COLUMNS = [
    *("source", "task", "role", "mean", "sd", "n", "baseline", "delta", "ci_low", "ci_high"),
    *("p", "p_holm", "p_fdr", "n_degenerate", "n_diverged", "n_failed", "n_missing"),
    "n_planned",
    *("baseline_sd", "baseline_n", "task_sd", "detectable", "detectable_holm", "test", "note"),
]

CELL = ["role", "source", "task"]
_Key = tuple[str, str, str]


def transfer_table(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return one row per source, task and role (target, probing), in points (score × 100).

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.

    mean, sd, n: of the runs that count. baseline: mean of source `none` on the same task and role.
    delta: mean - baseline. ci_low, ci_high, p, test: see `contrasts.contrast`. p_holm, p_fdr:
    adjusted over the cells of a role, a family each. task_sd, detectable, detectable_holm: see
    `detectable.with_detectable`. n_degenerate, n_diverged (degenerate, too), n_failed, n_missing:
    of n_planned runs of the cell. note: why a cell has no test.
    """
    scores = cell_scores(runs, filtered)
    counts = _counts(runs)
    rows = [
        {**_told(role, source, task, scores, options.statistics), **counts[role, source, task]}
        for role, task, source in _grid(runs)
        if (role, source, task) in counts
    ]
    table = with_detectable(pd.DataFrame(rows, columns=[*COLUMNS, "spread"]), options.statistics)
    corrected = {"p_holm": holm, "p_fdr": false_discovery}
    by_family = {name: _by_family(table, method) for name, method in corrected.items()}
    return table.assign(**by_family)[COLUMNS]


def cell_scores(runs: pd.DataFrame, filtered: bool) -> dict[_Key, Scores]:
    """Return (role, source, task) -> scores that count: of runs that ended well, or means only.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.
    """
    counted = scored(runs, filtered)
    by_restart = counted.sort_values("restart").set_index("restart")[[*CELL, "score", "seed"]]
    means = runs[runs["status"] == "mean_only"].groupby(CELL, sort=False)["score"].first()
    scores = {_key(key): Scores(mean_only=float(mean)) for key, mean in means.items()}
    for key, cell in by_restart.groupby(CELL, sort=False):
        scores[_key(key)] = Scores(cell["score"], cell["seed"])
    return scores


def average_table(transfer: pd.DataFrame) -> pd.DataFrame:
    """Return the mean delta of each source over the tasks of a role, best target transfer first.

    transfer: the transfer table. Columns: source, role, tasks (cells with a delta), delta,
    delta_other_tasks (without transfer of a task to itself), improved, harmed (cells above and
    below 0).
    """
    compared = transfer.dropna(subset="delta")
    rows = [
        {
            "source": source,
            "role": role,
            "tasks": len(cells),
            "delta": cells["delta"].mean(),
            "delta_other_tasks": cells.loc[cells["task"] != source, "delta"].mean(),
            "improved": int((cells["delta"] > 0).sum()),
            "harmed": int((cells["delta"] < 0).sum()),
        }
        for (role, source), cells in compared.groupby(["role", "source"], sort=False)
    ]
    columns = ["source", "role", "tasks", "delta", "delta_other_tasks", "improved", "harmed"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["role", "delta"], ascending=False, ignore_index=True)


def _by_family(
    table: pd.DataFrame, corrected: Callable[[pd.Series[float]], pd.Series[float]]
) -> pd.Series[float]:
    """Return p values corrected within each role: target cells do not pay for probing ones."""
    parts = [corrected(cells["p"]) for _, cells in table.groupby("role", sort=False)]
    every: pd.Series[float] = pd.concat([pd.Series(dtype="float64"), *parts])
    return every.reindex(table.index)


def _grid(runs: pd.DataFrame) -> list[_Key]:
    """Return (role, task, source) in the order of the paper's figure: target tasks first."""
    evaluated = runs[runs["role"] != "intermediate"]
    sources = [name for name in in_order(evaluated["source"]) if name != NO_SOURCE]
    return [
        (role, task, source)
        for role in ("target", "probing")
        for task in in_order(runs.loc[runs["role"] == role, "task"])
        for source in sources
    ]


def _counts(runs: pd.DataFrame) -> dict[_Key, dict[str, int]]:
    """Return (role, source, task) -> planned runs, by what became of them."""
    marks = runs[CELL].assign(n_planned=1, n_degenerate=runs["degenerate"].astype(int))
    for status in ("diverged", "failed", "missing"):
        marks[f"n_{status}"] = (runs["status"] == status).astype(int)
    sums = marks.groupby(CELL, sort=False).sum()
    return {
        _key(key): {str(name): int(count) for name, count in row.items()}
        for key, row in sums.to_dict("index").items()
    }


def _key(cell: Any) -> _Key:
    role, source, task = cell
    return role, source, task


def _told(
    role: str, source: str, task: str, scores: dict[_Key, Scores], levels: Statistics
) -> dict[str, Any]:
    cell = scores.get((role, source, task), NO_SCORES)
    baseline = scores.get((role, NO_SOURCE, task), NO_SCORES)
    difference = contrast(cell, baseline, levels.alpha, levels.paired)
    return {
        "source": source,
        "task": task,
        "role": role,
        "mean": POINTS * cell.mean,
        "sd": POINTS * cell.sd,
        "n": cell.n,
        "baseline": POINTS * baseline.mean,
        "delta": POINTS * difference.delta,
        "ci_low": POINTS * difference.ci_low,
        "ci_high": POINTS * difference.ci_high,
        "p": difference.p,
        "baseline_sd": POINTS * baseline.sd,
        "baseline_n": baseline.n,
        "spread": POINTS * difference.spread,
        "test": difference.test,
        "note": difference.note,
    }
