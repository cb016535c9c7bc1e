"""Which intermediate task to start from, by published evidence: what to expect of it on a new task.

The effect expected on a new task is that of `hierarchy.fit_hierarchy` over the tasks of the
evidence. Its interval is scaled so that, with each task left out in turn, it holds as many measured
effects as it says (split conformal prediction, Vovk et al. 2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.differences import holm
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.selection_summary import sign_flip_p

COLUMNS = [
    *("start", "gain", "low", "high", "p_gain", "tasks", "told_apart_p", "examples"),
    *("words_per_pass", "licence", "note"),
]
Array = np.ndarray


@dataclass(frozen=True)
class Recommendation:
    """What the evidence says of starts for a new task, in points.

    starts: the columns above, the best first. coverage: share of left-out effects in the intervals,
    scaled and as estimated. sentence: what to do, and why.
    """

    starts: pd.DataFrame
    coverage: float
    unscaled_coverage: float
    tasks: int
    sentence: str


def recommend(transfer: pd.DataFrame, alpha: float, about: pd.DataFrame) -> Recommendation:
    """Return the starts for a task that the evidence does not have.

    transfer: the target cells of one contrast in a transfer table, the evidence; a source on its
    own task tells nothing of another and is left out. about: index source, with the columns
    examples, words_per_pass and licence, missing where not known.

    gain: the mean effect of a source, drawn towards what its tasks share; low, high: the scaled
    1 - alpha interval of the effect on a new task; p_gain: probability that it is above 0;
    told_apart_p: of its mean difference from the first, by random signs over tasks, after Holm's
    correction.
    """
    evidence = transfer[(transfer["source"] != transfer["task"]) & transfer["delta"].notna()]
    left_out = _left_out(evidence, alpha)
    scale = _scale(left_out["needed"].to_numpy(), alpha)
    starts = pooled_tables(evidence, alpha)["pooled"].dropna(subset="mu")
    starts = starts.assign(
        start=starts["source"],
        gain=starts["mu"],
        low=starts["mu"] - scale * (starts["mu"] - starts["new_low"]),
        high=starts["mu"] + scale * (starts["new_high"] - starts["mu"]),
        p_gain=starts["p_new"],
        told_apart_p=_told_apart(evidence, list(starts["source"])),
    ).merge(about, left_on="source", right_index=True, how="left")
    told = starts[COLUMNS].reset_index(drop=True)
    return Recommendation(
        starts=told,
        coverage=_coverage(left_out, alpha),
        unscaled_coverage=float((left_out["needed"] <= 1).mean()),
        tasks=evidence["task"].nunique(),
        sentence=_sentence(told, float(starts["ci_low"].iloc[0]), alpha),
    )


def _left_out(evidence: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return task, source and by how much an interval from the other tasks must grow to hold it.

    needed: the distance of the measured effect from the mean, in half widths of that side.
    """
    parts = []
    for task, own in evidence.groupby("task", sort=False):
        told = pooled_tables(evidence[evidence["task"] != task], alpha)["pooled"]
        both = own.merge(told[["source", "mu", "new_low", "new_high"]], on="source")
        off = both["delta"] - both["mu"]
        half = np.where(off < 0, both["mu"] - both["new_low"], both["new_high"] - both["mu"])
        parts.append(both[["task", "source"]].assign(needed=off.abs() / half))
    return pd.concat(parts, ignore_index=True).dropna(subset="needed")


def _scale(needed: Array, alpha: float) -> float:
    """Return the factor by which 1 - alpha intervals hold as many left-out effects as they say."""
    place = min(math.ceil((len(needed) + 1) * (1 - alpha)), len(needed))
    return float(np.sort(needed)[place - 1])


def _coverage(left_out: pd.DataFrame, alpha: float) -> float:
    """Return the share of left-out effects in intervals that were scaled without their task."""
    held = [
        own["needed"] <= _scale(left_out.loc[left_out["task"] != task, "needed"].to_numpy(), alpha)
        for task, own in left_out.groupby("task", sort=False)
    ]
    return float(pd.concat(held).mean())


def _told_apart(evidence: pd.DataFrame, ranked: list[str]) -> list[float]:
    """Return p of each source's difference from the first one; missing for that one."""
    wide = evidence.pivot(index="task", columns="source", values="delta")
    differences = [(wide[ranked[0]] - wide[name]).dropna().to_numpy() for name in ranked[1:]]
    p = pd.Series([sign_flip_p(each, seed=0) for each in differences], dtype=float)
    return [math.nan, *holm(p)]


def _sentence(starts: pd.DataFrame, mean_low: float, alpha: float) -> str:
    """Return what to do: start from the first where its mean effect is surely above 0."""
    first: dict[str, Any] = {str(name): value for name, value in starts.iloc[0].items()}
    expected = (
        f"{first['gain']:+.1f} points, between {first['low']:+.1f} and {first['high']:+.1f} on a "
        f"new task, a gain with probability {first['p_gain']:.2f}"
    )
    alike = starts.loc[starts["told_apart_p"] >= alpha, "start"]
    apart = f" The evidence does not tell it from {', '.join(alike)}." if len(alike) else ""
    if mean_low > 0:
        why = "its mean over tasks is above 0"
        return f"Start from {first['start']}, because {why}: {expected}.{apart}"
    return (
        "Do not bother, because no source is sure to gain on average, unless a training is cheap. "
        f"The first to try is {first['start']}: {expected}.{apart}"
    )
