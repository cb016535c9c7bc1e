"""Methods of selection that read scores and sizes alone, and combinations of any methods.

Each gives every source a number for a target, higher for better; a source without one is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from interlude.analysis.truth import Truth
from interlude.errors import InputError
from interlude.words import COMBINED, NO_SOURCE, SELECTION_SCORES

Array = np.ndarray
_HALVES = 30  # of the restarts: so many are read at most
_RANKS_BEFORE = 60  # of reciprocal rank fusion, as in Cormack et al. 2009


def random_order(truth: Truth, target: str) -> pd.Series[float]:
    """Return the same for all sources: measures take the expectation over the order of equals."""
    return pd.Series(0.0, index=[*truth.sources, NO_SOURCE])


def static_order(truth: Truth, target: str) -> pd.Series[float]:
    """Return the mean transfer to the other targets, also of a source to its own task.

    No transfer is 0. Where its scores are not known, sources are compared with the mean of all.
    """
    others = truth.scores.drop(index=target)
    baseline = truth.without_transfer.drop(target)
    if baseline.isna().any():
        return others.sub(others.mean(axis="columns"), axis="index").mean()
    transfer = others.sub(baseline, axis="index").mean()
    return pd.concat([transfer, pd.Series({NO_SOURCE: 0.0})]) if len(others) else transfer


def by_size(truth: Truth, target: str) -> pd.Series[float]:
    """Return the training examples of each source; no transfer has none."""
    return pd.concat([truth.sizes, pd.Series({NO_SOURCE: 0.0})])


def by_probe(truth: Truth, target: str) -> pd.Series[float]:
    """Return each source's score on one fixed task, of a probe (Choshen et al. 2023).

    None for that task itself, whose scores these are.
    """
    return truth.probes.iloc[:0] if target == truth.probe_task else truth.probes


SELECTORS: dict[str, Callable[[Truth, str], pd.Series[float]]] = {
    "random": random_order,
    "static": static_order,
    "size": by_size,
    "probe": by_probe,
}

# What a method cannot do without.
NEEDS = {
    "random": "nothing",
    "static": "the scores of other targets from all sources",
    "size": "sizes of sources",
    "probe": "a probe of each source on one task",
}


def selection_scores(
    truth: Truth, methods: Sequence[str], encoder_scores: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the columns of `words.SELECTION_SCORES`, for every candidate of every target.

    methods: names, or several joined by + that one combines. encoder_scores: of methods that read
    data or encoders, in the same columns. What a method does not say of a candidate is missing;
    that of no transfer stands under the source `none`, where the method has one. Raises InputError
    for a method without any scores.
    """
    parts = list(dict.fromkeys(part for name in methods for part in name.split(COMBINED)))
    computed = [] if encoder_scores is None else [encoder_scores]
    known = pd.concat([_table_scores(truth, parts), *computed], ignore_index=True)
    for part in parts:
        if part not in set(known["method"]):
            raise InputError(f"{truth.name}: selection found no numbers of the method {part}.")
    asked = _of_candidates(truth, parts).merge(
        known, on=["method", "target", "source"], how="left", validate="one_to_one"
    )
    combined = [_combined(asked, name) for name in methods if COMBINED in name]
    every = pd.concat([asked[asked["method"].isin(methods)], *combined], ignore_index=True)
    return every[list(SELECTION_SCORES)]


def _table_scores(truth: Truth, methods: Sequence[str]) -> pd.DataFrame:
    """Return the scores of those methods that read tables; they cost nothing."""
    rows = [
        {"method": method, "target": target, "source": source, "value": value}
        for method in methods
        if method in SELECTORS
        for target in truth.targets
        for source, value in SELECTORS[method](truth, target).items()
    ]
    return pd.DataFrame(rows, columns=list(SELECTION_SCORES)).astype(SELECTION_SCORES)


def _of_candidates(truth: Truth, methods: Sequence[str]) -> pd.DataFrame:
    rows = [
        (method, target, source)
        for method in methods
        for target in truth.targets
        for source in [*truth.candidates(target).index, NO_SOURCE]
    ]
    return pd.DataFrame(rows, columns=["method", "target", "source"])


def _combined(scores: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the reciprocal rank fusion of several methods (Cormack et al. 2009).

    A source that one of them does not know is missing, and so is no transfer; what they cost is
    summed.
    """
    is_member = scores["method"].isin(name.split(COMBINED))
    own = scores[is_member & (scores["source"] != NO_SOURCE)]
    by_method = own.groupby(["method", "target"])["value"]
    own = own.assign(value=1 / (_RANKS_BEFORE + by_method.rank(ascending=False)))
    members = len(name.split(COMBINED))
    sums = own.groupby(["target", "source"], sort=False)
    together = sums[["tokens", "seconds"]].sum(min_count=1)
    value = sums["value"].sum(min_count=members)
    return together.assign(value=value, method=name).reset_index()


def half_orders(truth: Truth, target: str) -> list[tuple[Array, Array]]:
    """Return orders by one half of the restarts, each with the scores of the other half.

    What such an order reaches is what the truth, but for its noise, reaches. Values and scores have
    shape (sources,). Restarts are those that all candidates have; none where they are fewer than
    two. All halves, as long as they are few.
    """
    names = truth.candidates(target).index
    own = truth.runs[(truth.runs["target"] == target) & truth.runs["source"].isin(names)]
    wide = own.pivot(index="source", columns="restart", values="score")
    runs = wide.dropna(axis="columns").to_numpy()
    return [
        (runs[:, list(first)].mean(axis=1), np.delete(runs, first, axis=1).mean(axis=1))
        for first in _halves(runs.shape[1])
    ]


def _halves(restarts: int) -> list[tuple[int, ...]]:
    """Return halves of the restarts: all where they are few, else some at equal distances."""
    sizes = {restarts // 2, restarts - restarts // 2} - {0, restarts}
    every = [each for size in sorted(sizes) for each in combinations(range(restarts), size)]
    return every[:: 1 + len(every) // _HALVES]
