"""When to train two tasks together, and when one after the other (Weller et al. 2022).

Every table is of a contrast of an arm that mixes source and task with one that chains them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from interlude.analysis.bootstrap import percentiles
from interlude.analysis.differences import holm
from interlude.analysis.options import Statistics
from interlude.analysis.results import in_order
from interlude.analysis.scope import against_alone, of_contrast
from interlude.analysis.spread import degrees, runs_of_mean
from interlude.words import Contrast

MIX, CHAIN, NEITHER = "mix", "chain", "no difference"
# The test of the paper: variances assumed equal, and no correction.
PUBLISHED_ALPHA = 0.1
COLUMNS = [
    *("arm", "against", "role", "source", "task", "source_examples", "task_examples"),
    *("size_ratio", "mix", "mix_sd", "mix_n", "chain", "chain_sd", "chain_n"),
    *("delta", "t", "p", "p_holm", "p_published"),
    *("rule", "better", "better_uncorrected", "better_published", "right"),
    *("single", "best", "best_delta", "best_low", "best_high", "best_p", "best_p_holm", "note"),
]


def mix_or_chain_table(
    transfer: pd.DataFrame, sizes: pd.Series[float], contrast: Contrast, alpha: float
) -> pd.DataFrame:
    """Return one row per source and task: which of mixing and chaining is better, and by what rule.

    transfer: the transfer table, with the rows of the contrast and of the same arm against one
    without a source. sizes: task -> its training examples. In points.

    size_ratio: source_examples / task_examples. mix, chain: mean of either arm, with sd and n.
    delta: mix - chain; t, p: Welch's test; p_holm: corrected over the cells of the role;
    p_published: of the test with equal variances. rule: what the sizes say, mix where the source is
    larger, chain where it is smaller; empty where they are equal or not known. better: mix, chain
    or no difference by p_holm, better_uncorrected by p, both at alpha; better_published by
    p_published < .1. right: whether the rule says what is better; missing where either is
    not known.

    single: mean of the target alone. best: the arm with the higher mean; best_delta: its mean minus
    single, with interval and test by its own spread, corrected over the cells of the role.
    """
    cells = _both(transfer, contrast)
    cells["source_examples"] = cells["source"].map(sizes)
    cells["task_examples"] = cells["task"].map(sizes)
    cells["size_ratio"] = cells["source_examples"] / cells["task_examples"]
    cells["t"] = cells["delta"] / np.sqrt(_variance(cells, "mix") + _variance(cells, "chain"))
    cells["t"] = cells["t"].where(cells["p"].notna())
    cells["p_published"] = _published_p(cells)
    cells["rule"] = rule_of(cells["size_ratio"])
    for name, p, level in (
        ("better", "p_holm", alpha),
        ("better_uncorrected", "p", alpha),
        ("better_published", "p_published", PUBLISHED_ALPHA),
    ):
        cells[name] = _better(cells["delta"], cells[p], level)
    known = cells["better"].isin([MIX, CHAIN]) & (cells["rule"] != "")
    cells["right"] = (cells["rule"] == cells["better"]).astype("boolean").where(known)
    return cells[COLUMNS].reset_index(drop=True)


def rule_of(size_ratio: pd.Series[float]) -> pd.Series[str]:
    """Return what the sizes say: mix where the source is larger, chain where it is smaller."""
    rule = np.select([size_ratio > 1, size_ratio < 1], [MIX, CHAIN], default="")
    return pd.Series(rule, index=size_ratio.index, dtype="str")


def task_sizes(runs: pd.DataFrame) -> pd.Series[float]:
    """Return task -> training examples, from the first of its runs that has them.

    runs: of full size. A task that is source and target of different sizes has those of the target.
    """
    place = {"target": 0, "probing": 1, "intermediate": 2}
    known = runs.dropna(subset="train_examples")
    ordered = known.assign(place=known["role"].map(place)).sort_values("place", kind="stable")
    sizes: pd.Series[float] = ordered.groupby("task")["train_examples"].first().astype(float)
    return sizes


def _both(transfer: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """Return the cells of the contrast with either arm and the better of both against single."""
    names = {
        **{"mean": "mix", "sd": "mix_sd", "n": "mix_n"},
        **{"baseline": "chain", "baseline_sd": "chain_sd", "baseline_n": "chain_n"},
        **{name: f"mix_{name}" for name in ("df", "n_effective")},
        **{f"baseline_{name}": f"chain_{name}" for name in ("df", "n_effective")},
    }
    cells = of_contrast(transfer, contrast).rename(columns=names)
    chained = against_alone(transfer, contrast.against).add_suffix("_chained")
    mixed = against_alone(transfer, contrast.arm)
    keys = pd.MultiIndex.from_frame(cells[["role", "source", "task"]])
    mixed, chained = mixed.reindex(keys), chained.reindex(keys)
    of_chain = (cells["delta"] < 0).to_numpy()
    best = {
        name: np.where(of_chain, chained[f"{column}_chained"], mixed[column])
        for name, column in (
            *(("single", "baseline"), ("best_delta", "delta"), ("best_low", "ci_low")),
            *(("best_high", "ci_high"), ("best_p", "p")),
        )
    }
    best["best"] = np.where(of_chain, contrast.against, contrast.arm)
    table = cells.assign(**best)
    table["best"] = table["best"].where(table["delta"].notna(), "")
    table["best_p_holm"] = table.groupby("role", group_keys=False)["best_p"].transform(holm)
    return table


def _variance(cells: pd.DataFrame, side: str) -> pd.Series[float]:
    return cells[f"{side}_sd"] ** 2 / runs_of_mean(cells, f"{side}_")


def _published_p(cells: pd.DataFrame) -> pd.Series[float]:
    """Return p of Student's t test, which assumes equal variances of both sides."""
    tested = cells[cells["p"].notna()]
    mix, chain = (degrees(tested, side).astype(float) for side in ("mix_", "chain_"))
    squares = mix * tested["mix_sd"] ** 2 + chain * tested["chain_sd"] ** 2
    shares = 1 / runs_of_mean(tested, "mix_") + 1 / runs_of_mean(tested, "chain_")
    t = tested["delta"].abs() / np.sqrt(squares / (mix + chain) * shares)
    p = pd.Series(2 * stats.t.sf(t, mix + chain), index=tested.index, dtype="float64")
    return p.reindex(cells.index)


def _better(delta: pd.Series[float], p: pd.Series[float], alpha: float) -> pd.Series[str]:
    """Return mix or chain where p says so, no difference otherwise; empty without a test."""
    better = np.select(
        [p.isna(), (p < alpha) & (delta > 0), (p < alpha) & (delta < 0)],
        ["", MIX, CHAIN],
        default=NEITHER,
    )
    return pd.Series(better, index=delta.index, dtype="str")


RULE_COLUMNS = [
    *("arm", "against", "role", "test", "cells", "threshold", "told", "decided", "undecided"),
    *("right", "accuracy", "ci_low", "ci_high", "binomial_low", "binomial_high"),
    *("always_mix", "always_chain", "gain", "gain_low", "gain_high"),
]
THRESHOLDS = range(20)
SETTINGS = {  # name -> column that says which is better
    "Welch's, Holm": "better",
    "Welch's": "better_uncorrected",
    "the paper's: equal variances, p < .1": "better_published",
}


def size_rule_table(cells: pd.DataFrame, levels: Statistics) -> pd.DataFrame:
    """Return how often the rule of sizes is right, a row per role, test, cells and threshold.

    cells: of `mix_or_chain_table`. cells: `significant`, those with a significant difference by the
    test, or `all`, by the sign of their difference. threshold: where the larger size is less than
    so many times the smaller, the rule does not decide; it never does where sizes are equal or not
    known. told: cells of which it is known what is better; decided, undecided: of these, by the
    rule; right of decided: accuracy.

    ci_low, ci_high: from resamples of the tasks (of sources and targets alike; a cell counts as
    often as both are drawn), since cells share tasks and trainings; binomial_low and binomial_high
    (Clopper and Pearson's) hold only if cells were independent. always_mix, always_chain: accuracy
    of these choices on the decided cells. gain: accuracy - the better of the two, with interval.
    """
    rows = []
    for (arm, against, role), own in cells.groupby(["arm", "against", "role"], sort=False):
        weights = _weights(own, levels)
        for test, column in SETTINGS.items():
            for which in ("significant", "all"):
                if which == "all" and column != "better":
                    continue  # the sign of a difference needs no test
                better = own[column] if which == "significant" else _by_sign(own["delta"])
                named = {"arm": arm, "against": against, "role": role}
                named |= {"test": test if which == "significant" else "none", "cells": which}
                rows += [
                    {
                        **named,
                        "threshold": least,
                        **_accuracy(own, better, least, weights, levels.alpha),
                    }
                    for least in THRESHOLDS
                ]
    return pd.DataFrame(rows, columns=RULE_COLUMNS)


def _by_sign(delta: pd.Series[float]) -> pd.Series[str]:
    better = np.select([delta > 0, delta < 0], [MIX, CHAIN], default="")
    return pd.Series(better, index=delta.index, dtype="str")


def _weights(cells: pd.DataFrame, levels: Statistics) -> np.ndarray:
    """Return how often each cell is drawn, int [resamples, cells], where tasks are drawn.

    The pigeonhole bootstrap (Owen 2007): of rows and columns of a table, which share tasks here.
    """
    tasks = in_order([*cells["task"], *cells["source"]])
    rng, shares = np.random.default_rng(levels.seed), np.full(len(tasks), 1 / len(tasks))
    drawn = rng.multinomial(len(tasks), shares, size=levels.resamples)
    places = [cells[side].map(tasks.index).to_numpy() for side in ("source", "task")]
    weights: np.ndarray = drawn[:, places[0]] * drawn[:, places[1]]
    return weights


def _accuracy(
    cells: pd.DataFrame, better: pd.Series[str], threshold: int, weights: np.ndarray, alpha: float
) -> dict[str, Any]:
    known = better.isin([MIX, CHAIN]).to_numpy()
    ratio = cells["size_ratio"].to_numpy()
    apart = np.maximum(ratio, 1 / ratio) >= threshold
    decided = known & apart & (cells["rule"] != "").to_numpy()
    right = {
        "rule": better == cells["rule"],
        "always_mix": better == MIX,
        "always_chain": better == CHAIN,
    }
    hits = {name: each.to_numpy() & decided for name, each in right.items()}
    n = int(decided.sum())
    counts = {"told": int(known.sum()), "decided": n, "undecided": int(known.sum()) - n}
    if not n:
        return counts
    shares = {name: hit.sum() / n for name, hit in hits.items()}
    with np.errstate(invalid="ignore"):
        drawn = {name: (weights @ hit) / (weights @ decided) for name, hit in hits.items()}
    other = max(("always_mix", "always_chain"), key=lambda name: float(shares[name]))
    hit = int(hits["rule"].sum())
    binomial = stats.binomtest(hit, n).proportion_ci(1 - alpha, method="exact")
    low, high = percentiles(drawn["rule"], alpha)
    gain_low, gain_high = percentiles(drawn["rule"] - drawn[other], alpha)
    return {
        **counts,
        **{"right": hit, "accuracy": shares["rule"], "ci_low": low, "ci_high": high},
        **{"binomial_low": binomial.low, "binomial_high": binomial.high},
        **{"always_mix": shares["always_mix"], "always_chain": shares["always_chain"]},
        **{"gain": shares["rule"] - shares[other], "gain_low": gain_low, "gain_high": gain_high},
    }


def size_regression(cells: pd.DataFrame, levels: Statistics) -> pd.DataFrame:
    """Return the line of t (mixing against chaining) over log10 of the ratio of sizes.

    cells: of `mix_or_chain_table`. A row for all cells, and one for those with a significant
    difference after Holm's correction. slope: of t per factor of 10 by which the source is larger,
    with an interval from resamples of the tasks, as in `size_rule_table`; p is of independent
    cells, which they are not. Missing below three cells, or where the ratios are all equal.
    """
    known = cells.dropna(subset=["t", "size_ratio"])
    parts = {"all cells": known, "significant": known[known["better"].isin([MIX, CHAIN])]}
    rows = []
    for (arm, against, role), own in known.groupby(["arm", "against", "role"], sort=False):
        for which, part in parts.items():
            cut = part.loc[part.index.intersection(own.index)]
            named = {"arm": arm, "against": against, "role": role, "cells": which, "n": len(cut)}
            rows.append({**named, **_line(cut, levels)})
    return pd.DataFrame(rows, columns=LINE_COLUMNS)


LINE_COLUMNS = [
    *("arm", "against", "role", "cells", "n", "intercept", "slope", "ci_low", "ci_high"),
    *("r", "p"),
]
_FEWEST = 3  # two points always lie on a line


def _line(cells: pd.DataFrame, levels: Statistics) -> dict[str, float]:
    x, y = np.log10(cells["size_ratio"].to_numpy()), cells["t"].to_numpy()
    if len(cells) < _FEWEST or np.ptp(x) == 0:
        return {}
    fit = stats.linregress(x, y)
    low, high = percentiles(_slopes(x, y, _weights(cells, levels)), levels.alpha)
    line = {"intercept": fit.intercept, "slope": fit.slope, "r": fit.rvalue}
    return {**line, "p": fit.pvalue, "ci_low": low, "ci_high": high}


def _slopes(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the least-squares slope under each row of weights; NaN where x does not vary."""
    n = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = weights @ x / n, weights @ y / n
        variance = weights @ (x * x) / n - mean_x**2
        slopes: np.ndarray = (weights @ (x * y) / n - mean_x * mean_y) / variance
    return np.where(variance > 1e-12, slopes, np.nan)
