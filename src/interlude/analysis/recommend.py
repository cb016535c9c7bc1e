"""Which intermediate task to start from for one task: what to expect of each, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from interlude.analysis.differences import holm
from interlude.analysis.evidence import Evidence
from interlude.analysis.expected import Expected, expected_gains
from interlude.analysis.selection_summary import sign_flip_p

COLUMNS = [
    *("start", "gain", "low", "high", "p_gain", "tasks", "told_apart_p", "examples"),
    *("words_per_pass", "licence", "note"),
]
_WHOLE = ("examples", "words_per_pass")


@dataclass(frozen=True)
class Recommendation:
    """A short list of starts, the best first, and the sentence: what to do, and why.

    starts: in points; the columns above and, by budget, others. basis: what it rests on, in
    sentences. measured: numbers of it for programs.
    """

    starts: pd.DataFrame
    sentence: str
    basis: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)


def recommend(
    evidence: Evidence, alpha: float, about: pd.DataFrame, encoder: str
) -> Recommendation:
    """Return the starts for a task that the evidence does not have, by the evidence alone.

    about: index source, with the columns examples, words_per_pass and licence, missing where not
    known. told_apart_p: of a source's mean difference from the first, by random signs over tasks,
    after Holm's correction.
    """
    expected = expected_gains(evidence, alpha, encoder)
    starts = expected.sources.rename(columns={"source": "start"})
    starts = starts.assign(told_apart_p=_p_from_first(evidence.transfer, list(starts["start"])))
    starts = starts.assign(note="").merge(about, left_on="start", right_index=True, how="left")
    starts = starts.astype(dict.fromkeys(_WHOLE, "Int64"))
    return Recommendation(
        starts=starts[COLUMNS],
        sentence=_sentence(starts, alpha, evidence.encoder if expected.another else ""),
        basis=basis_of_evidence(expected, evidence, alpha, encoder),
        measured=measured_of(expected),
    )


def _p_from_first(transfer: pd.DataFrame, ranked: list[str]) -> list[float]:
    """Return p of each source's difference from the first one; missing for that one."""
    wide = transfer.pivot(index="task", columns="source", values="delta")
    differences = [(wide[ranked[0]] - wide[name]).dropna().to_numpy() for name in ranked[1:]]
    p = pd.Series([sign_flip_p(each, seed=0) for each in differences], dtype=float)
    return [math.nan, *holm(p)]


def _sentence(starts: pd.DataFrame, alpha: float, known_with: str) -> str:
    """Return what to do: start from the first where its mean effect is surely above 0.

    known_with: the encoder of the evidence, where that is another one.
    """
    first: dict[str, Any] = {str(name): value for name, value in starts.iloc[0].items()}
    alike = starts.loc[starts["told_apart_p"] >= alpha, "start"]
    apart = f" It does not differ significantly from {', '.join(alike)}." if len(alike) else ""
    if first["mean_low"] > 0:
        why = f"its mean over tasks is above 0{known_with and f' with {known_with}'}"
        return f"Start from {first['start']}, because {why}: {gain_of(first)}.{apart}"
    return (
        "Do not bother, because no source is sure to gain on average, unless a training is cheap. "
        f"The first to try is {first['start']}: {gain_of(first)}.{apart}"
    )


def gain_of(first: dict[str, Any]) -> str:
    """Return what to expect of a start, in words."""
    return (
        f"{first['gain']:+.1f} points, between {first['low']:+.1f} and {first['high']:+.1f} on a "
        f"new task, a gain with probability {first['p_gain']:.2f}"
    )


def measured_of(expected: Expected) -> dict[str, Any]:
    """Return the coverage of intervals, for programs; `coverage` is the least."""
    return {
        "coverage": min(expected.coverage.values()),
        "coverage_left_out": expected.coverage,
        "coverage_as_estimated": expected.as_estimated,
        "tasks": expected.tasks,
    }


def basis_of_evidence(
    expected: Expected, evidence: Evidence, alpha: float, encoder: str
) -> list[str]:
    """Return what the evidence is, and the coverage of its intervals."""
    level = f"{100 * (1 - alpha):g} %"
    sources = evidence.transfer["source"].nunique()
    basis = [
        f"Rests on published scores of {evidence.encoder}: {expected.tasks} target tasks, "
        f"{sources} sources (Pruksachatkun et al. 2020, reference/)."
    ]
    if not expected.another:
        share = 100 * min(expected.coverage.values())
        return [
            *basis,
            f"With each task left out in turn, the {level} intervals cover {share:.0f} % of the "
            f"measured effects ({100 * expected.as_estimated:.0f} % before they were widened).",
        ]
    shares = ", ".join(f"{100 * each:.0f} % of {name}" for name, each in expected.coverage.items())
    names = " and ".join(sorted(evidence.of_same_sources["source"].unique()))
    starts = evidence.of_same_sources["start"].nunique()
    return [
        *basis,
        f"{encoder} is another encoder. Intervals were made wide enough to cover {level} also of "
        f"{starts} public starts of {evidence.other_encoder} trained on {names} "
        "(IBM/model-recycling); widened without a truth, they cover, of the effects in that one: "
        f"{shares}. Of other sources nothing is known with another encoder.",
    ]
