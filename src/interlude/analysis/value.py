"""What a recommendation is worth: the levels against the whole grid, on published truths.

    python -m interlude.analysis.value reference docs/choose-a-start.md

writes the table between the lines `<!-- value -->` and `<!-- end -->` of a page. Hours are
simulated from restarts: of Pruksachatkun et al. those that were released, in every order; of hub
models, whose scores are of one run each, five that are drawn with the spread of 20 seeds.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.decisions import Decision
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.evidence import hub_spread, hub_truth, load_evidence
from interlude.analysis.expected import expected_gains
from interlude.analysis.options import Options
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.ranking_quality import PERCENT, regret
from interlude.analysis.results import joined
from interlude.analysis.rounds import decide, estimates, in_order, trainings_of
from interlude.analysis.selectors import static_order
from interlude.analysis.truth import Truth, truth_of_runs
from interlude.words import NO_SOURCE

ALPHA = 0.05
PRUKSACHATKUN, HUB = "Pruksachatkun et al.", "hub models"
COLUMNS = ["truth", "level", "share", "regret_1", "regret_3", "best_in_3", "coverage", "targets"]
DRAWN = 5  # restarts of a hub model
_TABLE = re.compile(r"(<!-- value -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """What a level comes to on a target: share of the grid's trainings, an order, and intervals.

    values: source -> higher for better; held: whether the interval of each holds the true effect.
    """

    share: float
    values: pd.Series[float]
    held: Sequence[bool] = ()


def value_table(reference: Path) -> pd.DataFrame:
    """Return a row per truth and level: means over targets, in per cent.

    share: of the grid's trainings of targets. regret_1, regret_3: best of top k. best_in_3: share
    of targets whose best source is among the first three. coverage: of intervals; missing where
    none can be held against a true effect.
    """
    evidence = load_evidence(reference)
    known = expected_gains(evidence, ALPHA, evidence.encoder).coverage["each task"]
    own, hub = _published_truth(reference), hub_truth(reference)
    drawn = _with_restarts(hub, hub_spread(reference))
    rows = [
        {**_row(PRUKSACHATKUN, "seconds", own, _static_outcomes(own)), "coverage": PERCENT * known},
        *_of_hours(PRUKSACHATKUN, own, own, first=4),
        _row(HUB, "seconds", hub, _static_outcomes(hub)),
        *_of_hours(HUB, hub, drawn, first=40),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _published_truth(reference: Path) -> Truth:
    options = Options(degenerate=DegenerateRule(exclude=False))
    runs = joined(*published_tables(load_published(reference), "published"))
    return truth_of_runs(flag_degenerate(runs, options.degenerate), options, PRUKSACHATKUN)


def _with_restarts(truth: Truth, spread: pd.Series[float]) -> Truth:
    """Return a truth with restarts that are drawn around its scores, which are taken as true."""
    noise = np.random.default_rng(0).normal(size=(DRAWN, len(truth.runs)))
    deviation = truth.runs["target"].map(spread).to_numpy()
    parts = [
        truth.runs.assign(restart=number, score=truth.runs["score"] + deviation * each)
        for number, each in enumerate(noise, start=1)
    ]
    return Truth(truth.name, pd.concat(parts, ignore_index=True))


def _static_outcomes(truth: Truth) -> dict[str, list[Outcome]]:
    return {name: [Outcome(0.0, static_order(truth, name))] for name in truth.targets}


def _of_hours(name: str, truth: Truth, drawn: Truth, first: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of rounds that begin with all sources, and with those of the best mean."""
    for level, most in (("hours", len(truth.sources)), (f"hours, first {first}", first)):
        outcomes = {target: [*_halved(truth, drawn, target, most)] for target in truth.targets}
        yield _row(name, level, truth, outcomes)


def _halved(truth: Truth, drawn: Truth, target: str, first: int) -> Iterator[Outcome]:
    """Yield what rounds come to, for each order in which restarts may come; a few of drawn ones."""
    names = truth.candidates(target).index
    before = static_order(truth, target).reindex(names).sort_values(ascending=False)
    own = drawn.runs[drawn.runs["target"] == target]
    restarts = sorted(own.loc[own["source"].isin(names), "restart"].unique())
    orders = [*permutations(restarts)] if drawn is truth else [restarts]
    for order in orders:
        numbers = {each: number for number, each in enumerate(order, start=1)}
        numbered = own.assign(restart=own["restart"].map(numbers).fillna(1))
        outcome = _rounds(truth, target, numbered, list(before.index[:first]), len(names))
        # Released restarts are the truth itself: no interval can be held against it.
        yield replace(outcome, held=()) if drawn is truth else outcome


def _rounds(
    truth: Truth, target: str, own: pd.DataFrame, candidates: list[str], sources: int
) -> Outcome:
    """Return what rounds come to that begin with some candidates."""
    most = int(own["restart"].max())
    rounds: list[tuple[list[str], int]] = []
    seen = own.iloc[:0]
    decision = Decision(candidates, 1)
    while not decision.ends:
        rounds.append((decision.kept, decision.restarts))
        trained = own["source"].isin([*decision.kept, NO_SOURCE])
        seen = pd.concat([seen, own[trained & (own["restart"] <= decision.restarts)]])
        seen = seen.drop_duplicates(["source", "restart"])
        decision = decide(seen, *rounds[-1], most, ALPHA)
    ranked = in_order([names for names, _ in rounds], seen)
    values = pd.Series(range(len(ranked), 0, -1), index=ranked, dtype=float)
    trained_on = trainings_of([(len(names), restarts) for names, restarts in rounds])
    held = _held(truth, target, estimates(seen, ranked, ALPHA))
    return Outcome(trained_on / (sources * most), values, held)


def _held(truth: Truth, target: str, told: pd.DataFrame) -> list[bool]:
    """Return whether intervals hold the true effects; of all that was trained from."""
    known = told.dropna(subset="low")
    effects = truth.scores.transpose()[target][known["source"]] - truth.without_transfer[target]
    inside = (known["low"].to_numpy() <= effects) & (effects <= known["high"].to_numpy())
    return list(inside)


def _row(name: str, level: str, truth: Truth, outcomes: dict[str, list[Outcome]]) -> dict[str, Any]:
    """Return the means over targets of what a level comes to."""
    told = [
        _of_target(truth.candidates(target), outcome)
        for target, several in outcomes.items()
        for outcome in several
    ]
    means = pd.DataFrame(told).mean() * PERCENT
    return {"truth": name, "level": level, **means, "targets": len(outcomes)}


def _of_target(scores: pd.Series[float], outcome: Outcome) -> dict[str, float]:
    """Return regrets, whether the best is among the first three, and the share of intervals."""
    values = outcome.values.reindex(scores.index).fillna(-math.inf).to_numpy()
    reached = scores.to_numpy()
    best = regret(reached, values, 3) == 0
    return {
        "share": outcome.share,
        "regret_1": regret(reached, values, 1),
        "regret_3": regret(reached, values, 3),
        "best_in_3": float(best),
        "coverage": float(np.mean(outcome.held)) if len(outcome.held) else math.nan,
    }


def as_markdown(table: pd.DataFrame) -> str:
    """Return the table as a page shows it."""
    heads = (
        *("truth", "level", "share of the grid's trainings, %", "Regret@1, %", "Regret@3, %"),
        *("best in top 3, %", "intervals hold, %", "targets"),
    )
    rows = [heads, ["---"] * len(heads)]
    for row in table.itertuples(index=False):
        shown = zip(row[2:7], (0, 2, 2, 0, 0), strict=True)
        numbers = ["–" if pd.isna(each) else f"{each:.{digits}f}" for each, digits in shown]
        rows.append([*row[:2], *numbers, str(row[7])])
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def refreshed(page: str, table: str) -> str:
    """Return the text of a page with its table as it is today."""
    return _TABLE.sub(lambda found: f"{found[1]}{table}{found[2]}", page)


def main() -> None:
    """Print the table, and write it into the page that is named on the command line."""
    reference, *pages = map(Path, sys.argv[1:])
    table = as_markdown(value_table(reference))
    print(table, end="")
    for page in pages:
        page.write_text(refreshed(page.read_text(encoding="utf8"), table), encoding="utf8")


if __name__ == "__main__":
    main()
