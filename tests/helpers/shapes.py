"""Studies of every size and kind that figures must hold, made by a formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pandas as pd

from helpers.synthetic import record, runs_of
from interlude.analysis.averages import average_table, averages_by_filter
from interlude.analysis.correlations import correlation_pairs, score_matrix, target_block
from interlude.analysis.options import Options, Stability
from interlude.analysis.pooled import pooled_tables
from interlude.analysis.robustness import collapsed_sources, robustness_table
from interlude.analysis.size import source_table
from interlude.analysis.stability import expected_best
from interlude.analysis.transfer import cell_scores, transfer_table

LONG = "a task with a name & <b>words</b> that does not end before the column does"


def made(
    sources: Sequence[str],
    targets: Sequence[str],
    probing: Sequence[str] = (),
    shift: float = 0.0,
    lost: float = 0.0,
) -> pd.DataFrame:
    """Three restarts of each source and of none on each task.

    shift: what every source does, in units of the score. lost: the share of runs that failed, the
    baseline's among them; a third of the others is degenerate.
    """
    noise = np.random.default_rng(len(sources) * 100 + len(targets))
    effect = {source: shift + noise.normal(0, 0.02) for source in sources}
    records = [
        record("intermediate", "none", of, k, 0.7, train_examples=400 * 4 ** (number % 6))
        for number, of in enumerate(sources)
        for k in (1, 2, 3)
    ]
    tasks = [*product(["target"], targets), *product(["probing"], probing)]
    for number, (role, task) in enumerate(tasks):
        base, own = 0.5 + 0.4 * (number % 7) / 7, noise.uniform(0.004, 0.02)
        for source, k in product(["none", *sources], (1, 2, 3)):
            gain = effect.get(source, 0.0) * noise.uniform(0.5, 1.5)
            records.append(record(role, source, task, k, base + gain + noise.normal(0, own)))
    for each in records[3 * len(sources) :]:
        fate = noise.uniform()
        if fate < lost:
            each |= {"status": "failed", "score": None, "reason": "out of memory"}
        elif fate < 1.33 * lost:
            each |= {"constant": True, "score": 0.3}
    return runs_of(records)


def numbered(word: str, count: int) -> list[str]:
    return [f"{word} {number}" for number in range(1, count + 1)]


def long_names(count: int) -> list[str]:
    return [f"{LONG[: 20 + number % 40]} {number}" for number in range(count)]


SHAPES: dict[str, Callable[[], pd.DataFrame]] = {
    "1 x 1": lambda: made(["MNLI"], ["CoLA"], shift=0.01),
    "3 x 3 + 1": lambda: made(["MNLI", "QQP", "SocialIQA"], ["CoLA", "RTE", "BoolQ"], ["EdgePOS"]),
    "11 x 35": lambda: made(numbered("source", 11), numbered("target", 10), numbered("probe", 25)),
    "42 x 11": lambda: made(numbered("source", 42), numbered("target", 11)),
    "60 long names": lambda: made(long_names(60)[:5], long_names(60)[5:35], long_names(60)[35:]),
    "all negative": lambda: made(numbered("source", 5), numbered("target", 6), shift=-0.12),
    "many missing": lambda: made(
        numbered("source", 8), numbered("target", 9), numbered("probe", 4), lost=0.45
    ),
}
OPTIONS = Options(stability=Stability())


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables that figures of a study are drawn from, of all outcomes. runs: flagged."""
    transfer = transfer_table(runs, OPTIONS, filtered=False)
    averages = average_table(transfer, cell_scores(runs, filtered=False), OPTIONS)
    encoders = runs[runs["arm"] == OPTIONS.contrasts[0].arm]
    matrix = score_matrix(encoders, filtered=False)
    return {
        "transfer": transfer,
        "averages": averages,
        "averages_by_filter": averages_by_filter(transfer, OPTIONS),
        **pooled_tables(transfer, OPTIONS.statistics.alpha),
        "correlations": target_block(matrix, OPTIONS.statistics.alpha),
        "correlations_all": correlation_pairs(matrix),
        "robustness": robustness_table(matrix, collapsed_sources(averages, -5.0), OPTIONS),
        "sources": source_table(encoders, averages),
        "expected_best": expected_best(runs, OPTIONS, 0.0),
    }
