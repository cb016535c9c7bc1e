"""How good a level of a recommendation is on a truth: its costs, its order, its intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.decisions import Decision
from interlude.analysis.ranking_quality import PERCENT, best_of_top, regret
from interlude.analysis.rounds import decide, estimates, in_order
from interlude.analysis.truth import Truth
from interlude.words import NO_SOURCE

ALPHA = 0.05
ORDERS = 4  # restarts that are permuted in every order; of more, each comes first once


@dataclass(frozen=True)
class Outcome:
    """The outcome of a level on a target: share of the grid's cost, an order, and intervals.

    values: source -> higher for better; covered: whether each interval covers the true effect.
    """

    share: float
    values: pd.Series[float]
    covered: Sequence[bool] = ()


def row_of(
    name: str, level: str, truth: Truth, outcomes: Mapping[str, list[Outcome]]
) -> dict[str, Any]:
    """Return the means over targets of the outcomes of a level, in per cent.

    share: of the grid's cost. regret_1, regret_3: best of top k. best_in_3: share of targets whose
    best source is among the first three. coverage: of intervals; missing where no true effect is
    known for any.
    """
    rows = [
        pd.DataFrame([_of_target(truth.candidates(target), each) for each in several]).mean()
        for target, several in outcomes.items()
    ]
    means = pd.DataFrame(rows).mean() * PERCENT
    return {"truth": name, "level": level, **means, "targets": len(outcomes)}


def _of_target(scores: pd.Series[float], outcome: Outcome) -> dict[str, float]:
    """Return regrets, the chance that the best is among the first three, and coverage.

    Sources of equal value stand in random order.
    """
    values = outcome.values.reindex(scores.index).fillna(-math.inf).to_numpy()
    reached = scores.to_numpy()
    is_best = (reached == reached.max()).astype(float)
    return {
        "share": outcome.share,
        "regret_1": regret(reached, values, 1),
        "regret_3": regret(reached, values, min(3, len(reached))),
        "best_in_3": best_of_top(is_best, values, min(3, len(reached))),
        "coverage": float(np.mean(outcome.covered)) if len(outcome.covered) else math.nan,
    }


def halved(truth: Truth, drawn: Truth, target: str, before: Sequence[str]) -> Iterator[Outcome]:
    """Yield the outcome of rounds for each order in which restarts may come; drawn ones in one.

    drawn: the truth of the restarts that rounds see. before: the sources that rounds begin with,
    the best first.
    """
    own = drawn.runs[drawn.runs["target"] == target]
    own = own[own["source"].isin([*truth.candidates(target).index, NO_SOURCE])]
    restarts = sorted(own.loc[own["source"] != NO_SOURCE, "restart"].unique())
    for order in _orders(restarts) if drawn is truth else [restarts]:
        numbers = {each: number for number, each in enumerate(order, start=1)}
        numbered = own.assign(restart=own["restart"].map(numbers).fillna(1))
        outcome = rounds(truth, target, numbered, list(before))
        # Restarts that are the truth themselves say nothing of coverage.
        yield replace(outcome, covered=()) if drawn is truth else outcome


def _orders(restarts: list[Any]) -> list[Sequence[Any]]:
    if len(restarts) <= ORDERS:
        return [*permutations(restarts)]
    return [restarts[place:] + restarts[:place] for place in range(len(restarts))]


def rounds(truth: Truth, target: str, own: pd.DataFrame, candidates: list[str]) -> Outcome:
    """Return the outcome of rounds that begin with some candidates.

    own: the runs of the target, of all its sources and `none`: source, restart (from 1), score and
    tokens. The share is of tokens; of trainings where those of some are not known.
    """
    own = own.assign(cost=own["tokens"] if _is_measured(own) else 1)
    most = int(own["restart"].max())
    done: list[list[str]] = []
    seen = own.iloc[:0]
    decision = Decision(candidates, 1)
    while not decision.ends:
        done.append(decision.kept)
        trained = own["source"].isin([*decision.kept, NO_SOURCE])
        now = own[trained & (own["restart"] <= decision.restarts)]
        seen = pd.concat([seen, now]).drop_duplicates(["source", "restart"])
        decision = decide(seen, decision.kept, decision.restarts, most, ALPHA)
    ranked = in_order(done, seen)
    values = pd.Series(range(len(ranked), 0, -1), index=ranked, dtype=float)
    covered = covers(truth, target, estimates(seen, ranked, ALPHA))
    spent, every = (each.loc[each["source"] != NO_SOURCE, "cost"].sum() for each in (seen, own))
    return Outcome(float(spent / every), values, covered)


def _is_measured(own: pd.DataFrame) -> bool:
    return "tokens" in own and bool(own["tokens"].notna().all())


def covers(truth: Truth, target: str, intervals: pd.DataFrame) -> list[bool]:
    """Return whether intervals cover the true effects, of sources that have both.

    intervals: columns source, low and high, in points.
    """
    effects = truth.candidates(target) - truth.without_transfer[target]
    effect = intervals["source"].map(effects)
    known = intervals.assign(effect=effect).dropna(subset=["low", "effect"])
    return list((known["low"] <= known["effect"]) & (known["effect"] <= known["high"]))
