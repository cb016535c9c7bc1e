"""The transfer table: what each source does to each task, against the baseline."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from interlude.analysis.degenerate import scored
from interlude.analysis.detectable import with_detectable
from interlude.analysis.differences import (
    NO_RUNS,
    NO_SCORE,
    NO_SCORES,
    Scores,
    difference,
    false_discovery,
    holm,
    mean_difference,
)
from interlude.analysis.options import Options, Statistics
from interlude.analysis.outcomes import degenerate_shares
from interlude.analysis.results import FAMILY, POINTS, SCORED, in_order, of_common_restarts
from interlude.words import NO_SOURCE

COLUMNS = [
    *(
        "arm",
        "against",
        "source",
        "task",
        "role",
        "mean",
        "sd",
        "n",
        "baseline",
        "delta",
        "ci_low",
        "ci_high",
    ),
    *("p", "p_holm", "p_fdr", "n_degenerate", "n_diverged", "n_failed", "n_missing"),
    *(
        "n_planned",
        "n_restarts",
        "n_starts",
        "degenerate_share",
        "degenerate_low",
        "degenerate_high",
    ),
    *("mean_given_success", "mean_all_outcomes", "delta_given_success", "delta_all_outcomes"),
    *("baseline_source", "baseline_sd", "baseline_n"),
    *("baseline_n_degenerate", "baseline_n_planned"),
    *("task_sd", "detectable", "detectable_holm", "test", "note"),
]
# Of a study with a grid of settings: see `differences.Scores`.
OF_GRID = ["points", "df", "n_effective", "baseline_df", "baseline_n_effective"]
# Of a study that stops cells once they are known: see `stops.look`.
OF_STOPS = ["stopped", "delta_common"]
ONE_ENCODER = "one intermediate encoder: of this encoder, not of its task"
UNLEARNED = "its source never rose above majority in its own training"

CELL = [*FAMILY, "source", "task"]  # of a table of differences
_STOPPED = [*SCORED, "stopped"]
Key = tuple[str, str, str, str]
CellScores = dict[Key, Scores]


def transfer_table(runs: pd.DataFrame, options: Options, filtered: bool) -> pd.DataFrame:
    """Return one row per contrast, source, task and role (target, probing), in points.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out.

    mean, sd, n: of the runs that count; where several restarts began from one training of several,
    of the means of these trainings. n_restarts, n_starts: restarts that count (of a grid, trials),
    and trainings that they began from. baseline: mean of the arm that it is compared with, on the
    same task and role, from the same source where that arm has it (baseline_source). delta: mean -
    baseline. ci_low, ci_high, p, test: see `differences.difference`. p_holm, p_fdr: adjusted over
    the cells of a contrast and role, a family each. task_sd, detectable, detectable_holm: see
    `detectable.with_detectable`.

    n_degenerate, n_diverged (degenerate, too), n_failed, n_missing: of n_planned runs of the cell;
    baseline_n_degenerate, baseline_n_planned: of its baseline. degenerate_share with its interval:
    of the runs that have an outcome, see `outcomes.degenerate_shares`. mean and delta, given
    success (without degenerate runs) and of all outcomes: see `degenerate.scored`; one of the two
    is the table's own. note: why a cell has no test, and the limits of what it shows.

    Of a study with a grid, mean is the mean of the points' means, sd the spread within points, and
    delta the mean over the points that both sides have of the difference there. Then also: points,
    how many these are; df, n_effective, baseline_df, baseline_n_effective: degrees of freedom of
    sd, and sd² / n_effective is the variance of the mean; see `differences.Scores`.

    Of a study that stopped cells, also: stopped, why a cell got no further restarts; delta_common,
    the difference over the restarts that all cells of the arm have, see `of_common_restarts`.
    """
    scores = {of: cell_scores(runs, of) for of in (True, False)}
    counts = _counts(runs)
    rows = [
        {
            "arm": contrast.arm,
            "against": contrast.against,
            **_effect(key, baseline, scores[filtered], options.statistics),
            **_both_means(key, baseline, scores),
            **counts[key],
            **_of_baseline(counts.get(baseline, {})),
        }
        for contrast in options.contrasts
        for key in _grid(runs, contrast.arm)
        if key in counts
        for baseline in [baseline_of(key, contrast.against, counts)]
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *OF_GRID, "spread"])
    table = with_detectable(table, options.statistics)
    columns = COLUMNS + OF_GRID * bool(runs["point"].notna().any())
    if runs["stopped"].notna().any():
        table, columns = _with_stops(table, runs, filtered), columns + OF_STOPS
    corrected = {"p_holm": holm, "p_fdr": false_discovery}
    by_family = {name: _by_family(table, method) for name, method in corrected.items()}
    shares = degenerate_shares(table, options.statistics.alpha)
    return table.assign(**by_family, **shares, note=_notes(table, options))[columns]


def _with_stops(table: pd.DataFrame, runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    why = {_key(cell): why for *cell, why in runs.dropna(subset="stopped")[_STOPPED].to_numpy()}
    scores = cell_scores(of_common_restarts(runs), filtered)
    own, bases = (
        [_key(each) for each in table[[arm, "role", source, "task"]].to_numpy()]
        for arm, source in (("arm", "source"), ("against", "baseline_source"))
    )
    common = [
        POINTS * mean_difference(*(scores.get(each, NO_SCORES) for each in pair))
        for pair in zip(own, bases, strict=True)
    ]
    return table.assign(stopped=[why.get(each, "") for each in own], delta_common=common)


def cell_scores(runs: pd.DataFrame, filtered: bool) -> CellScores:
    """Return (arm, role, source, task) -> scores that count, or means only.

    runs: after `flag_degenerate`. filtered: leave degenerate runs out; see `degenerate.scored`.
    """
    counted = scored(runs, filtered)
    kept = [*SCORED, "score", "seed", "start", "restart", "point"]
    means = runs[runs["status"] == "mean_only"].drop_duplicates(SCORED)
    scores = {_key(mean[SCORED]): _published(mean) for _, mean in means.iterrows()}
    for key, cell in counted[kept].groupby(SCORED, sort=False):
        scores[_key(key)] = Scores.of_runs(cell)
    return scores


def _published(mean: pd.Series[Any]) -> Scores:
    """Return a mean, with the standard deviation and number of runs where its metrics have them."""
    metrics = json.loads(mean["metrics"]) if pd.notna(mean["metrics"]) else {}
    sd, n = metrics.get("sd"), metrics.get("n")
    return Scores(
        mean_only=float(mean["score"]),
        sd_only=math.nan if sd is None else float(sd),
        n_only=int(n or 0),
    )


def _by_family(
    table: pd.DataFrame, corrected: Callable[[pd.Series[float]], pd.Series[float]]
) -> pd.Series[float]:
    """Return p values corrected within each family: target cells do not pay for probing ones."""
    parts = [corrected(cells["p"]) for _, cells in table.groupby(FAMILY, sort=False)]
    every: pd.Series[float] = pd.concat([pd.Series(dtype="float64"), *parts])
    return every.reindex(table.index)


def _grid(runs: pd.DataFrame, arm: str) -> list[Key]:
    """Return the cells of an arm in the order of the paper's figure: role, task, source."""
    evaluated = runs[(runs["role"] != "intermediate") & (runs["arm"] == arm)]
    sources = in_order(evaluated["source"])
    return [
        (arm, role, source, task)
        for role in ("target", "probing")
        for task in in_order(runs.loc[runs["role"] == role, "task"])
        for source in sources
    ]


def baseline_of(key: Key, against: str, known: Collection[Key]) -> Key:
    """Return the baseline of a cell: a cell of the same source, or of none."""
    _, role, source, task = key
    same = against, role, source, task
    return same if same in known else (against, role, NO_SOURCE, task)


def _counts(runs: pd.DataFrame) -> dict[Key, dict[str, int]]:
    """Return what is scored -> planned runs, by what became of them; a mean is no run."""
    marks = runs[SCORED].assign(n_planned=(runs["status"] != "mean_only").astype(int))
    marks["n_degenerate"] = runs["degenerate"].astype(int)
    for status in ("diverged", "failed", "missing"):
        marks[f"n_{status}"] = (runs["status"] == status).astype(int)
    sums = marks.groupby(SCORED, sort=False).sum()
    return {
        _key(key): {str(name): int(count) for name, count in row.items()}
        for key, row in sums.to_dict("index").items()
    }


def _of_baseline(counts: dict[str, int]) -> dict[str, int]:
    return {f"baseline_{name}": counts.get(name, 0) for name in ("n_degenerate", "n_planned")}


def _key(cell: Any) -> Key:
    arm, role, source, task = cell
    return arm, role, source, task


def _effect(key: Key, baseline_key: Key, scores: CellScores, levels: Statistics) -> dict[str, Any]:
    _, role, source, task = key
    cell, baseline = (scores.get(side, NO_SCORES) for side in (key, baseline_key))
    effect = difference(cell, baseline, levels.alpha, levels.paired)
    return {
        "source": source,
        "task": task,
        "role": role,
        "mean": POINTS * cell.mean,
        "sd": POINTS * cell.sd,
        "n": cell.n,
        "n_restarts": cell.restarts,
        "n_starts": cell.starts,
        "baseline": POINTS * baseline.mean,
        "delta": POINTS * effect.delta,
        "ci_low": POINTS * effect.ci_low,
        "ci_high": POINTS * effect.ci_high,
        "p": effect.p,
        "baseline_source": baseline_key[2],
        "baseline_sd": POINTS * baseline.sd,
        "baseline_n": baseline.n,
        "spread": POINTS * effect.spread,
        "points": len(cell.points & baseline.points),
        **_freedom(cell, ""),
        **_freedom(baseline, "baseline_"),
        "test": effect.test,
        "note": effect.note,
    }


def _freedom(side: Scores, name: str) -> dict[str, float]:
    return {f"{name}df": max(side.degrees, 0), f"{name}n_effective": side.n_effective}


def _both_means(key: Key, baseline_key: Key, scores: dict[bool, CellScores]) -> dict[str, float]:
    """Return means and deltas of the runs that succeeded, and of all outcomes."""
    means = {}
    for filtered, name in ((True, "given_success"), (False, "all_outcomes")):
        cell, baseline = (scores[filtered].get(side, NO_SCORES) for side in (key, baseline_key))
        means[f"mean_{name}"] = POINTS * cell.mean
        means[f"delta_{name}"] = POINTS * mean_difference(cell, baseline)
    return means


def _notes(table: pd.DataFrame, options: Options) -> list[str]:
    """Return the note of each cell: why it has no test, and the limits of what it shows."""
    notes = []
    for _, cell in table.iterrows():
        lost = cell["n_failed"] + cell["n_missing"] == cell["n_planned"]
        why = NO_SCORE if cell["note"] == NO_RUNS and lost else cell["note"]
        of = cell["arm"], cell["source"]
        of_one = cell["n_starts"] == 1 < cell["n"] or of in options.one_encoder
        one = ONE_ENCODER if of_one else ""
        unlearned = UNLEARNED if of in options.unlearned else ""
        notes.append("; ".join(filter(None, (why, one, unlearned))))
    return notes
