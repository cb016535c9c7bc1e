"""Whether two sources have the same effect: interval of the difference, test of equivalence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pandas as pd
from scipy import stats

from interlude.analysis.differences import EQUAL, Scores, holm, welch
from interlude.analysis.options import Options
from interlude.analysis.results import in_order, trial
from interlude.analysis.stability import MEAN, trials_of
from interlude.analysis.transfer import ONE_ENCODER
from interlude.words import NO_SOURCE

COLUMNS = [
    *("arm", "role", "task", "source", "against_source", "pairs", "n", "difference", "sd"),
    *("ci_low", "ci_high", "p", "margin", "p_equal", "p_equal_holm", "equal", "note"),
]
TOO_FEW = "fewer than 2 pairs"
NO_SPREAD = "no spread between pairs"


def equality_table(
    runs: pd.DataFrame, options: Options, margin: float, equivalence: float
) -> pd.DataFrame:
    """Return one row per task and pair of sources of an arm, and one for the mean over tasks.

    runs, margin: as of `stability.trials_of`. A pair is a trial of either source at the same point
    of the grid and restart. difference: mean over pairs, in points; ci_low, ci_high, p: of the
    paired t test. margin: equivalence, in points; p_equal: of two one-sided tests (Schuirmann 1987)
    that the difference lies between -margin and margin; equal: whether p_equal_holm, corrected over
    the tasks of the same arm, role and pair (the mean over them pays for none), is below alpha.

    n: independent pairs: where restarts have encoders of their own, one for each, the mean of its
    points; with one encoder of each source, all pairs: the result is of these encoders alone.
    """
    alpha = options.statistics.alpha
    rows = [
        {**named, **_tested(pairs, equivalence, alpha)}
        for named, pairs in _pairs(trials_of(runs, margin))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    names = ["arm", "role", "source", "against_source"]
    family = [*(table[name] for name in names), table["task"] == MEAN]
    table["p_equal_holm"] = table.groupby(family, group_keys=False)["p_equal"].transform(holm)
    return table.assign(margin=equivalence, equal=table["p_equal_holm"] < alpha)


def _pairs(trials: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Yield each pair of sources and task with the differences of their trials."""
    sourced = trials[trials["source"] != NO_SOURCE]
    for (arm, role), of_arm in sourced.groupby(["arm", "role"], sort=False):
        for own, other in combinations(in_order(of_arm["source"]), 2):
            at = trial(of_arm)
            both = _differences(of_arm, own, other, at)
            named = {"arm": str(arm), "role": str(role), "source": own, "against_source": other}
            for task, pairs in both.groupby("task", sort=False):
                yield {**named, "task": str(task)}, pairs
            yield {**named, "task": MEAN}, _over_tasks(both, at)


def _differences(trials: pd.DataFrame, own: str, other: str, at: list[str]) -> pd.DataFrame:
    """Return the differences of the same trial on the same task; at: what identifies a trial."""
    sides = [
        trials[trials["source"] == name].set_index(["task", *at])[["score", "start"]]
        for name in (own, other)
    ]
    both = sides[0].join(sides[1].add_suffix("_other"), how="inner").reset_index()
    starts = both["start"] + " " + both["start_other"]
    return both.assign(score=both["score"] - both["score_other"], start=starts, seed=None)


def _over_tasks(pairs: pd.DataFrame, at: list[str]) -> pd.DataFrame:
    """Return the mean over tasks of the pairs that every task has."""
    own = pairs.groupby(at, as_index=False)
    means = own.agg(score=("score", "mean"), start=("start", "first"), tasks=("task", "size"))
    whole = means[means["tasks"] == pairs["task"].nunique()]
    return whole.assign(seed=None)


def _tested(pairs: pd.DataFrame, margin: float, alpha: float) -> dict[str, Any]:
    at_points = pairs if "point" in pairs else pairs.assign(point=None)
    units = Scores.of_runs(at_points)
    values = units.by_restart
    row: dict[str, Any] = {"pairs": len(pairs), "n": len(values), "difference": values.mean()}
    row["note"] = ONE_ENCODER if units.starts == 1 < len(values) else ""
    sd = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    if not sd > EQUAL:
        return row | {"sd": sd, "note": TOO_FEW if math.isnan(sd) else NO_SPREAD}
    error, freedom = sd / math.sqrt(len(values)), len(values) - 1
    low, high, p = welch(row["difference"], [(error**2, freedom)], alpha)
    nearest = (margin - abs(row["difference"])) / error
    p_equal = float(stats.t.sf(nearest, freedom))
    return row | {"sd": sd, "ci_low": low, "ci_high": high, "p": p, "p_equal": p_equal}
