"""What to expect of a start on a new task, by published evidence, and how often that is right.

The effect expected on a new task is that of `hierarchy.fit_hierarchy` over the tasks of the
evidence. Its interval is widened by so many points that it covers as many left-out effects as it
should (conformalised quantiles, Romano et al. 2019, equation 6): for the encoder of the evidence,
of each task left out in turn; for another one, also those of another truth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from interlude.analysis.evidence import Evidence
from interlude.analysis.pooled import pooled_tables

UNSEEN = "a source that the evidence does not have"


@dataclass(frozen=True)
class Expected:
    """What the evidence says of sources for a new task, in points.

    sources: columns source, gain, low, high, p_gain, mean_low (lower bound of the mean effect) and
    tasks, the best first. another: whether for another encoder than that of the evidence. coverage:
    name of what was left out -> share of its effects in intervals that were widened without it.
    as_estimated: share, of each task left out, before they were widened.
    """

    sources: pd.DataFrame
    another: bool
    coverage: dict[str, float]
    as_estimated: float
    tasks: int


def expected_gains(evidence: Evidence, alpha: float, encoder: str) -> Expected:
    """Return what to expect of each source of the evidence on a new task, with an encoder.

    gain: the mean effect, drawn towards what its tasks share; low, high: the widened 1 - alpha
    interval of the effect on a new task; p_gain: probability that it is above 0, of the normal
    distribution with the gain as mean and that interval.
    """
    another = encoder != evidence.encoder
    within = left_out(evidence.transfer, alpha)
    pooled = pooled_tables(evidence.transfer, alpha)["pooled"].dropna(subset="mu")
    beyond = needed(evidence.of_same_sources, pooled)
    widths = [_width(within["needed"], alpha)]
    coverage = {"each task": _coverage(within, alpha)}
    if another:
        widths.append(_width(beyond["needed"], alpha))
        coverage = whole_left_out(
            {evidence.encoder: within["needed"], evidence.other_encoder: beyond["needed"]}, alpha
        )
    return Expected(
        sources=_widened(pooled, max(widths), alpha),
        another=another,
        coverage=coverage,
        as_estimated=float((within["needed"] <= 0).mean()),
        tasks=evidence.transfer["task"].nunique(),
    )


def _widened(pooled: pd.DataFrame, width: float, alpha: float) -> pd.DataFrame:
    low, high = pooled["new_low"] - width, pooled["new_high"] + width
    deviation = (high - low) / (2 * special.ndtri(1 - alpha / 2))
    return pd.DataFrame(
        {
            "source": pooled["source"],
            "gain": pooled["mu"],
            "low": low,
            "high": high,
            "p_gain": special.ndtr(pooled["mu"] / deviation),
            "mean_low": pooled["ci_low"],
            "tasks": pooled["tasks"],
        }
    ).reset_index(drop=True)


def left_out(transfer: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return task, source and needed, by intervals from the other tasks; see `needed`."""
    parts = []
    for task, own in transfer.groupby("task", sort=False):
        of_others = pooled_tables(transfer[transfer["task"] != task], alpha)["pooled"]
        parts.append(needed(own, of_others))
    return pd.concat(parts, ignore_index=True)


def needed(effects: pd.DataFrame, pooled: pd.DataFrame) -> pd.DataFrame:
    """Return task, source and by how much an interval must be widened to cover each effect.

    needed: in points; below 0 where it could be narrower.
    """
    both = effects.merge(pooled[["source", "new_low", "new_high"]], on="source")
    outside = np.maximum(both["new_low"] - both["delta"], both["delta"] - both["new_high"])
    return both[["task", "source"]].assign(needed=outside).dropna(subset="needed")


def whole_left_out(truths: Mapping[str, pd.Series[float]], alpha: float) -> dict[str, float]:
    """Return the share of each truth's effects in intervals that were widened by the other ones.

    truths: two or more: name -> what its effects need. Intervals cover 1 - alpha in each of the
    others.
    """
    return {
        name: float(
            (own <= max(_width(truths[each], alpha) for each in truths if each != name)).mean()
        )
        for name, own in truths.items()
    }


def _width(points: pd.Series[float], alpha: float) -> float:
    """Return by how many points to widen intervals that cover 1 - alpha of left-out effects."""
    place = min(math.ceil((len(points) + 1) * (1 - alpha)), len(points))
    return float(np.sort(points.to_numpy())[place - 1])


def _coverage(within: pd.DataFrame, alpha: float) -> float:
    """Return the share of left-out effects in intervals that were widened without their task."""
    covered = [
        own["needed"] <= _width(within.loc[within["task"] != task, "needed"], alpha)
        for task, own in within.groupby("task", sort=False)
    ]
    return float(pd.concat(covered).mean())


def expected_of_unseen(
    evidence: Evidence, alpha: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Return what to expect of a source that no evidence has, and the coverage of its interval.

    The interval covers 1 - alpha of all effects in each truth; the gain is the mean over truths of
    the median, p_gain of the share above 0. The second: truth -> share of its effects in the
    interval of the other truth alone.
    """
    here, there = (each["delta"].to_numpy() for each in (evidence.transfer, evidence.elsewhere))
    truths = {evidence.encoder: here, evidence.other_encoder: there}
    (low, high), (other_low, other_high) = (
        np.quantile(each, [alpha / 2, 1 - alpha / 2]) for each in truths.values()
    )
    expected = {
        "gain": float(np.mean([np.median(each) for each in truths.values()])),
        "low": float(min(low, other_low)),
        "high": float(max(high, other_high)),
        "p_gain": float(np.mean([(each > 0).mean() for each in truths.values()])),
    }
    return expected, {
        evidence.encoder: float(np.mean((other_low <= here) & (here <= other_high))),
        evidence.other_encoder: float(np.mean((low <= there) & (there <= high))),
    }
