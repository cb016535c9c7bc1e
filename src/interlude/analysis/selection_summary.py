"""Measures of methods of selection over targets: means, intervals, groups, and pairs of methods."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.bootstrap import Array, percentiles
from interlude.analysis.differences import holm
from interlude.analysis.options import Statistics
from interlude.analysis.ranking_quality import BEST, GAINS, TOP, Measure
from interlude.words import NO_SOURCE

CEILING = "ceiling"
ALL = "all"
MEASURE = ["metric", "definition", "k"]
COLUMNS = ["truth", "method", *MEASURE, "value", "ci_low", "ci_high", "targets", "note"]
GROUP_COLUMNS = ["truth", "method", "group", *MEASURE, "value", "targets"]
PAIR_COLUMNS = [
    *("truth", "method", "against", *MEASURE, "difference", "ci_low", "ci_high"),
    *("p", "p_holm", "targets"),
]
# The measures by which two methods are compared, and targets are grouped.
MAIN = [*(Measure("regret", BEST, k) for k in TOP), Measure("ndcg", next(iter(GAINS)))]
# Fewer targets give so few distinct resamples that an interval is meaningless.
FEWEST_TARGETS = 5
_EXACT = 12  # up to so many targets, all signs are tried
_SIGNS = 10_000
_TOLERANCE = 1e-9  # of sums that differ in the last bits alone


def summary(
    targets: pd.DataFrame, scores: pd.DataFrame, levels: Statistics, notes: dict[str, str]
) -> pd.DataFrame:
    """Return the mean over targets of each measure, in per cent, with its bootstrap interval.

    Columns: truth, method (`ceiling`: an order by one half of the restarts, judged by the other),
    metric, definition, k, value, ci_low and ci_high (targets are resampled; missing below five),
    targets (that went in), note (what was left out).
    """
    rows = []
    for key, own in targets.groupby(["truth", "method", *MEASURE], sort=False, dropna=False):
        known = own["value"].dropna().to_numpy()
        low, high = _interval(known, levels)
        named = dict(zip(["truth", "method", *MEASURE], key, strict=True))
        of = {"value": known.mean() if len(known) else np.nan, "ci_low": low, "ci_high": high}
        rows.append({**named, **of, "targets": len(known)})
    table = pd.DataFrame(rows, columns=COLUMNS[:-1]).astype({"k": "Int64"})
    lost = _left_out(scores)
    return table.assign(
        note=[
            "; ".join(filter(None, [lost.get((truth, method), ""), notes[truth]]))
            for truth, method in zip(table["truth"], table["method"], strict=True)
        ]
    )


def _left_out(scores: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return (truth, method) -> the targets that it is not judged on, with a source it lacks."""
    lacking = scores[scores["value"].isna() & (scores["source"] != NO_SOURCE)]
    notes = {}
    for (truth, method), own in lacking.groupby(["truth", "method"], sort=False):
        targets = own["target"].nunique()
        first = own.iloc[0]
        notes[str(truth), str(method)] = (
            f"{targets} targets left out, on which a source has no number "
            f"({first['source']} > {first['target']})"
        )
    return notes


def _interval(values: Array, levels: Statistics) -> tuple[float, float]:
    """Return the percentile interval of a mean; missing where too few values are resampled."""
    if len(values) < FEWEST_TARGETS:
        return np.nan, np.nan
    means = _drawn(len(values), levels.resamples, levels.seed) @ values
    return percentiles(means, levels.alpha)


@cache
def _drawn(targets: int, resamples: int, seed: int) -> Array:
    """Return the share of each target in each resample, shape (resamples, targets)."""
    shares = np.full(targets, 1 / targets)
    return np.random.default_rng(seed).multinomial(targets, shares, size=resamples) / targets


def by_group(targets: pd.DataFrame) -> pd.DataFrame:
    """Return the main measures by method and group of targets, of one form each, and of all.

    Columns: truth, method, group, metric, definition, k, value (mean over targets, in per cent),
    targets.
    """
    own = main_measures(targets)
    groups = own["form"].where(own["form"] != "", np.nan)
    parts = [own.assign(group=groups).dropna(subset="group"), own.assign(group=ALL)]
    keys = ["truth", "method", "group", *MEASURE]
    grouped = pd.concat(parts).groupby(keys, sort=False, dropna=False)["value"]
    return grouped.agg(value="mean", targets="count").reset_index()[GROUP_COLUMNS]


def paired(targets: pd.DataFrame, levels: Statistics) -> pd.DataFrame:
    """Return each pair of methods compared on the targets of both, by the main measures.

    Columns: truth, method, against, metric, definition, k, difference (mean of method - against, in
    points of per cent) with its bootstrap interval over targets, p (of the mean under random signs
    of the differences; two-sided; all signs are tried up to 12 targets), p_holm (over the pairs of
    a truth and measure), targets. The ceiling is no method.
    """
    own = main_measures(targets[targets["method"] != CEILING])
    rows = []
    for key, part in own.groupby(["truth", *MEASURE], sort=False, dropna=False):
        wide = part.pivot(index="target", columns="method", values="value")
        for method, against in combinations(dict.fromkeys(part["method"]), 2):
            named = dict(zip(["truth", *MEASURE], key, strict=True))
            difference = _difference((wide[method] - wide[against]).dropna().to_numpy(), levels)
            rows.append({**named, "method": method, "against": against, **difference})
    table = pd.DataFrame(rows, columns=[each for each in PAIR_COLUMNS if each != "p_holm"])
    table = table.astype({"k": "Int64"})
    by_measure = table.groupby(["truth", *MEASURE], sort=False, dropna=False)["p"]
    return table.assign(p_holm=by_measure.transform(holm))[PAIR_COLUMNS]


def _difference(values: Array, levels: Statistics) -> dict[str, Any]:
    low, high = _interval(values, levels)
    mean = values.mean() if len(values) else np.nan
    of = {"difference": mean, "ci_low": low, "ci_high": high}
    return {**of, "p": sign_flip_p(values, levels.seed), "targets": len(values)}


def sign_flip_p(values: Array, seed: int) -> float:
    """Return the two-sided p of a mean under random signs (Fisher 1935); missing below two values.

    values: shape (targets,). All signs are tried up to 12 targets; beyond, 10,000 random ones.
    """
    if len(values) < 2:
        return np.nan
    if len(values) <= _EXACT:
        means = np.array(list(product([-1, 1], repeat=len(values)))) @ values
        return float(np.mean(np.abs(means) >= abs(values.sum()) - _TOLERANCE))
    signs = np.random.default_rng(seed).choice([-1, 1], size=(_SIGNS, len(values)))
    beyond = int(np.sum(np.abs(signs @ values) >= abs(values.sum()) - _TOLERANCE))
    return (1 + beyond) / (1 + _SIGNS)


def main_measures(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the main measures, with their titles in a column `measure`."""
    columns = zip(*(table[name] for name in MEASURE), strict=True)
    titles = [
        Measure(metric, definition, None if pd.isna(k) else int(k)).title
        for metric, definition, k in columns
    ]
    titled = table.assign(measure=titles)
    return titled[titled["measure"].isin([each.title for each in MAIN])]
