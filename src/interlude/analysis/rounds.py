"""Rounds of trainings: which sources go on, when to stop, and what to expect of those trained.

Successive halving (Jamieson and Talwalkar 2016): each round has half of the sources and twice the
restarts of the one before it. All are ordinary trainings of the study, so a later full grid has
them already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special, stats

from interlude.analysis.decisions import Decision
from interlude.analysis.differences import holm
from interlude.analysis.hierarchy import fit_hierarchy
from interlude.words import NO_SOURCE

ALL_DONE = "all restarts are trained"
SEPARATED = "the best differs significantly from all others"
_FEW = ["source", "runs", "score", "gain", "low", "high", "p_gain", "told_apart_p"]


def decide(
    runs: pd.DataFrame, candidates: Sequence[str], restarts: int, most: int, alpha: float
) -> Decision:
    """Return what follows a round.

    runs: source, restart, score, in points, so far. candidates: the sources of the round; those
    without a score are out. restarts: of the round; most: of the study. Rounds end early where the
    best differs significantly from all others at alpha, divided by the number of rounds.
    """
    ranked = ranking(runs, candidates)
    if restarts >= most or not ranked:
        return Decision(ranked, restarts, ALL_DONE)
    if len(ranked) > 1 and _best_differs(runs, ranked, alpha / len(rounds_of(most))):
        return Decision(ranked, restarts, SEPARATED)
    kept = ranked[: math.ceil(len(ranked) / 2)]
    return Decision(kept, most if len(kept) == 1 else min(2 * restarts, most))


def rounds_of(most: int) -> list[int]:
    """Return the restarts of each round: 1, 2, 4, ... and as many as the study has."""
    return [*(2**n for n in range(most.bit_length()) if 2**n < most), most]


def ranking(runs: pd.DataFrame, candidates: Sequence[str]) -> list[str]:
    """Return candidates by their mean score, the best first; of equals, the first named."""
    means = runs.groupby("source")["score"].mean().reindex(list(candidates)).dropna()
    return list(means.sort_values(ascending=False, kind="stable").index)


def _best_differs(runs: pd.DataFrame, ranked: Sequence[str], alpha: float) -> bool:
    p = _p_of_differences(runs, ranked)
    return bool((p < alpha).all())


def _p_of_differences(runs: pd.DataFrame, ranked: Sequence[str]) -> pd.Series[float]:
    """Return p of the first against each other, of a t-test with the spread of all sources."""
    deviation, freedom = spread_of(runs)
    groups = runs.groupby("source")["score"]
    means, counts = groups.mean(), groups.size()
    first, others = ranked[0], list(ranked[1:])
    error = deviation * np.sqrt(1 / counts[first] + 1 / counts[others])
    t = (means[first] - means[others]) / error
    return pd.Series(holm(pd.Series(2 * stats.t.sf(t, freedom), index=others)), index=others)


def spread_of(runs: pd.DataFrame) -> tuple[float, int]:
    """Return the standard deviation between restarts, pooled over sources, and its freedom.

    Missing where no source has two runs.
    """
    groups = runs.groupby("source")["score"]
    freedom = int((groups.size() - 1).sum())
    squares = float(((runs["score"] - groups.transform("mean")) ** 2).sum())
    return (math.sqrt(squares / freedom), freedom) if freedom else (math.nan, 0)


def estimates(runs: pd.DataFrame, ranked: Sequence[str], alpha: float) -> pd.DataFrame:
    """Return what to expect of sources that were trained from, in points.

    runs: as in `decide`; the source `none` is the task alone. ranked: sources in their order, those
    that were dropped last. Columns: source, runs, score (mean), gain (against the task alone, drawn
    towards the mean of all sources, since the best of many looks better than it is), low and high
    (its 1 - alpha interval), p_gain, told_apart_p (of the difference from the first, after Holm's
    correction). What needs a spread between restarts is missing where there is none.
    """
    deviation, freedom = spread_of(runs)
    groups = runs.groupby("source")["score"]
    means, counts = groups.mean(), groups.size()
    own = list(ranked)
    table = pd.DataFrame({"source": own, "runs": counts[own].to_numpy(), "score": means[own]})
    if not deviation > 0 or NO_SOURCE not in means:
        alone = means.get(NO_SOURCE, math.nan)
        return table.assign(gain=table["score"] - alone).reindex(columns=_FEW)
    variances = deviation**2 / table["runs"].to_numpy()
    drawn, errors = _drawn_together(table["score"].to_numpy(), variances)
    gain = drawn - means[NO_SOURCE]
    error = np.sqrt(errors**2 + deviation**2 / counts[NO_SOURCE])
    reach = stats.t.isf(alpha / 2, freedom) * error
    apart = list(_p_of_differences(runs, own)) if len(own) > 1 else []
    return table.assign(
        gain=gain,
        low=gain - reach,
        high=gain + reach,
        p_gain=stats.t.cdf(gain / error, freedom),
        told_apart_p=[math.nan, *apart],
    ).reset_index(drop=True)[_FEW]


def _drawn_together(scores: np.ndarray, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scores drawn towards their mean, by the hierarchical model, and their deviations."""
    if len(scores) < 2:
        return scores, np.sqrt(variances)
    within = 2 * special.ndtr(1) - 1  # of a normal distribution, a deviation around its mean
    cells = fit_hierarchy(scores, variances, 1 - within).cells
    widths = np.array([cell.high - cell.low for cell in cells])
    return np.array([cell.mean for cell in cells]), widths / 2


def in_order(rounds: Sequence[Sequence[str]], runs: pd.DataFrame) -> list[str]:
    """Return all sources that were trained from: those of later rounds first, by their scores."""
    order: list[str] = []
    for candidates in reversed(rounds):
        order += [name for name in ranking(runs, candidates) if name not in order]
    return order
