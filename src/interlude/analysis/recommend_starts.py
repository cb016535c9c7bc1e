"""A recommendation among a study's own starts: by features of them, or by trainings from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.evidence import Evidence
from interlude.analysis.expected import UNSEEN, expected_gains, expected_of_unseen
from interlude.analysis.recommend import Recommendation, basis_of_evidence, gain_of, measured_of
from interlude.analysis.rounds import estimates, in_order
from interlude.errors import few
from interlude.words import NO_SOURCE

EVIDENCE = "evidence"  # stands among the methods
_RANKS_BEFORE = 60  # of reciprocal rank fusion: Cormack et al. 2009
NOT_CALIBRATED = (
    "Features decide the order only, by ranks, beside the evidence: no truth with features of its "
    "starts ships with Interlude, so how much more a better rank gains is not calibrated, and "
    "changes no gain, interval or probability."
)


def by_evidence(
    evidence: Evidence,
    alpha: float,
    encoder: str,
    names: Sequence[str],
    published: Mapping[str, str],
) -> pd.DataFrame:
    """Return what the evidence says of starts, in their order.

    published: name of a start -> the source of the evidence that it is. Columns: start, known_as
    (that source, or that there is none), gain, low, high, p_gain, mean_low.
    """
    sources = expected_gains(evidence, alpha, encoder).sources.set_index("source")
    unseen, _ = expected_of_unseen(evidence, alpha)
    rows = [
        {
            "start": name,
            "known_as": published.get(name, UNSEEN),
            **(sources.loc[published[name]].to_dict() if name in published else unseen),
        }
        for name in names
    ]
    columns = ["start", "known_as", "gain", "low", "high", "p_gain", "mean_low"]
    return pd.DataFrame(rows).reindex(columns=columns)


def by_features(
    evidence: Evidence,
    alpha: float,
    facts: Mapping[str, Any],
    published: Mapping[str, str],
    scores: pd.DataFrame,
) -> Recommendation:
    """Return the starts that are there, ranked by evidence and features together.

    facts: encoder; starts, name -> training; left_out, reason -> how many; missing, sources that
    were asked for and are not there. scores: method, source (`none`: the pretrained encoder), value
    and, where that is missing, reason.
    """
    names = list(facts["starts"])
    by_start = by_evidence(evidence, alpha, facts["encoder"], names, published)
    values = scores.pivot(index="source", columns="method", values="value").reindex(
        [*names, NO_SOURCE]
    )
    used = [str(name) for name in values if values[name].reindex(names).notna().any()]
    ranked = by_start.set_index("start").join(values.loc[names, used])
    ranked = ranked.assign(training=pd.Series(facts["starts"]))
    ranked["fused"] = fused([ranked["gain"], *(ranked[name] for name in used)])
    starts = ranked.sort_values("fused", ascending=False, kind="stable").reset_index()
    lacking = scores[scores["value"].isna() & (scores["source"] != NO_SOURCE)]
    reasons = lacking.groupby("source")["reason"].agg(lambda each: "; ".join(dict.fromkeys(each)))
    starts["note"] = [str(reasons.get(name, "")) for name in starts["start"]]
    columns = ["start", "known_as", "gain", "low", "high", "p_gain", *used, "training", "note"]
    expected = expected_gains(evidence, alpha, facts["encoder"])
    return Recommendation(
        starts=starts[columns],
        sentence=_of_features(starts, values, used),
        basis=[
            *basis_of_evidence(expected, evidence, alpha, facts["encoder"]),
            *_of_unseen(evidence, alpha, starts),
            *_features_basis(facts, used, lacking),
        ],
        measured=measured_of(expected),
    )


def fused(values: Sequence[pd.Series[float]]) -> pd.Series[float]:
    """Return the reciprocal rank fusion of several values (Cormack et al. 2009), higher for better.

    What has no value stands last.
    """
    places = [each.rank(ascending=False, na_option="bottom") for each in values]
    return pd.concat([1 / (_RANKS_BEFORE + each) for each in places], axis=1).sum(axis=1)


def _of_features(starts: pd.DataFrame, values: pd.DataFrame, used: Sequence[str]) -> str:
    """Return what to do: start from the first where its mean is above 0 in the evidence."""
    first: dict[str, Any] = {str(name): value for name, value in starts.iloc[0].items()}
    plain = values.loc[NO_SOURCE]
    better = [name for name in used if first[name] > plain[name]]
    seen = (
        f" By {len(better)} of {len(used)} methods its features say more about the labels than "
        f"those of the pretrained encoder."
        if used
        else " No method has a number of features, so that the evidence alone ranks."
    )
    if first["mean_low"] > 0:
        why = f"the mean over tasks of {first['known_as']} is above 0 in the evidence"
        return f"Start from {first['start']}, because {why}: {gain_of(first)}.{seen}"
    return (
        "Do not bother, because no evidence says that the first of them gains on average, unless a "
        f"training is cheap. The first to try is {first['start']}: {gain_of(first)}.{seen}"
    )


def _of_unseen(evidence: Evidence, alpha: float, starts: pd.DataFrame) -> list[str]:
    """Return the basis of estimates of starts that the evidence does not have."""
    if not (starts["known_as"] == UNSEEN).any():
        return []
    _, coverage = expected_of_unseen(evidence, alpha)
    shares = ", ".join(f"{100 * share:.0f} % of {name}" for name, share in coverage.items())
    return [
        f"Of {UNSEEN}, the interval is the range of all known effects; that of one truth alone "
        f"covers, of the effects in the other: {shares}."
    ]


def _features_basis(
    facts: Mapping[str, Any], used: Sequence[str], lacking: pd.DataFrame
) -> list[str]:
    basis = [f"Features: {', '.join(used) or 'none'}. {NOT_CALIBRATED}"]
    left_out = "; ".join(f"{count} {why}" for why, count in facts["left_out"].items())
    basis += [f"Starts left out: {left_out}."] if left_out else []
    if facts["missing"]:
        basis.append(f"No start is there of: {', '.join(facts['missing'])}.")
    for (reason, method), own in lacking.groupby(["reason", "method"], sort=False):
        basis.append(f"{method} has no number of {few(list(own['source']))}: {reason}.")
    return basis


def by_trainings(
    evidence: Evidence,
    alpha: float,
    facts: Mapping[str, Any],
    published: Mapping[str, str],
    rounds: Sequence[Sequence[str]],
    ends: str,
    runs: pd.DataFrame,
) -> Recommendation:
    """Return the starts that were trained from, those of later rounds first.

    rounds: the sources of each; ends: why they ended. runs: source, restart, score, in points,
    degenerate. facts: trainings and grid, how many were needed and how many the grid has.
    """
    order = in_order(rounds, runs)
    measured = estimates(runs, order, alpha).rename(columns={"source": "start"})
    by_start = by_evidence(evidence, alpha, facts["encoder"], order, published)
    expected = by_start[["start", "known_as", "gain"]].rename(columns={"gain": "expected"})
    starts = measured.merge(expected, on="start")
    starts["round"] = [max(n for n, of in enumerate(rounds, 1) if name in of) for name in order]
    starts["note"] = ""
    lost = [name for name in rounds[0] if name not in order]
    share = facts["trainings"] / facts["grid"]
    return Recommendation(
        starts=starts,
        sentence=_of_trainings(starts, alpha),
        basis=[
            f"{facts['trainings']} trainings of the {facts['grid']} of the grid "
            f"({100 * share:.0f} %), those of starts among them, in {len(rounds)} rounds; they "
            f"ended because {ends}.",
            *([f"No score from: {', '.join(lost)}."] if lost else []),
            *_unlearned(runs),
            "Gains are drawn towards the mean of all that were trained from, since the best of "
            "many looks better than it is; docs/choose-a-start.md has the coverage of intervals.",
        ],
        measured={
            "trainings": facts["trainings"],
            "grid": facts["grid"],
            "rounds": [list(each) for each in rounds],
        },
    )


def _unlearned(runs: pd.DataFrame) -> list[str]:
    """Return how many runs are degenerate, where some are."""
    count = int(runs["degenerate"].sum())
    if not count:
        return []
    return [
        f"{count} of {len(runs)} runs are degenerate: they did not learn, or diverged, and count "
        "at what a user would get. Where most are, other settings may help more than other starts."
    ]


def _of_trainings(starts: pd.DataFrame, alpha: float) -> str:
    """Return what to do by what was measured: start from the first where it surely gains."""
    first: dict[str, Any] = {str(name): value for name, value in starts.iloc[0].items()}
    if np.isnan(first["low"]):
        return (
            "Do not bother, because restarts do not differ, so that nothing says how sure a gain "
            f"is. The first is {first['start']}, {first['gain']:+.1f} points."
        )
    alike = starts.loc[starts["told_apart_p"] >= alpha, "start"]
    apart = f" It does not differ significantly from {', '.join(alike)}." if len(alike) else ""
    measured = (
        f"{first['gain']:+.1f} points, between {first['low']:+.1f} and {first['high']:+.1f}, "
        f"a gain with probability {first['p_gain']:.2f}"
    )
    if first["low"] > 0:
        return f"Start from {first['start']}, because it gains here: {measured}.{apart}"
    return (
        "Do not bother, because no source is sure to gain here. "
        f"The best is {first['start']}: {measured}.{apart}"
    )
