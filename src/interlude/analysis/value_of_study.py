"""What a recommendation would have been worth on the targets of a study with a whole grid.

Each target stands for a task of a user: what the evidence says of it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.evidence import Evidence
from interlude.analysis.known_as import KNOWN_AS
from interlude.analysis.levels import ALPHA, Outcome, covers, halved, row_of
from interlude.analysis.options import Options
from interlude.analysis.recommend_starts import by_evidence, fused
from interlude.analysis.results import (
    of_full_size,
    read_runs,
    read_selection_scores,
    sources_in_order,
)
from interlude.analysis.truth import Truth, truth_of_runs
from interlude.errors import InputError
from interlude.words import NO_SOURCE

# Of budget minutes, as workflow/rules/recommend.smk has them.
BY_FEATURES = ["logme", "linear", "knn"]


@dataclass(frozen=True)
class Grid:
    """A study with a whole grid, and what it knew of its sources before it.

    sources: in the order of its config. features: the numbers of its methods of selection, in the
    columns of `words.SELECTION_SCORES`.
    """

    truth: Truth
    sources: list[str]
    encoder: str
    features: pd.DataFrame
    evidence: Evidence

    @cached_property
    def expected(self) -> dict[str, pd.DataFrame]:
        """Return what the evidence says of the candidates of each target that has two or more."""
        candidates = {
            target: [name for name in self.sources if name in self.truth.candidates(target)]
            for target in self.truth.targets
        }
        return {
            target: self._by_evidence(target, names)
            for target, names in candidates.items()
            if len(names) > 1
        }

    def _by_evidence(self, target: str, names: list[str]) -> pd.DataFrame:
        known = self.evidence.without([target, KNOWN_AS.get(target, target)])
        expected = self._of_all if known is self.evidence else self._expected_by(known)
        return expected.loc[names]

    @cached_property
    def _of_all(self) -> pd.DataFrame:
        """What all of the evidence says, for targets that it does not have."""
        return self._expected_by(self.evidence)

    def _expected_by(self, evidence: Evidence) -> pd.DataFrame:
        expected = by_evidence(evidence, ALPHA, self.encoder, self.sources, KNOWN_AS)
        return expected.rename(columns={"start": "source"}).set_index("source", drop=False)

    def seconds(self, target: str) -> Outcome:
        """Return the outcome of the order and the intervals of the evidence: no training."""
        expected = self.expected[target]
        return Outcome(0.0, expected["gain"], covers(self.truth, target, expected))

    def minutes(self, target: str) -> Outcome:
        """Return the outcome of ranks by evidence and features; intervals are the evidence's."""
        expected, own = self.expected[target], self.features[self.features["target"] == target]
        values = own.pivot(index="source", columns="method", values="value").reindex(expected.index)
        used = [values[name] for name in values if values[name].notna().any()]
        read = own.groupby("source")["tokens"].max().sum()  # one extraction serves all methods
        share = float(read / self.truth.costs["tokens"][target])
        order = fused([expected["gain"], *used])
        return Outcome(share, order, covers(self.truth, target, expected))

    def hours(self, target: str, first: int | None = None) -> list[Outcome]:
        """Return the outcomes of rounds that begin with all sources, or the first by evidence."""
        before = self.expected[target]["gain"].sort_values(ascending=False, kind="stable")
        return [*halved(self.truth, self.truth, target, list(before.index[:first]))]


def value_of_study(folder: Path, evidence: Evidence) -> Iterator[dict[str, Any]]:
    """Yield a row per level, by the tables of a study; see `levels.row_of`.

    The grid's cost is the tokens that a target is trained on from all sources, in all restarts;
    tokens that are read for features count as many trained ones as cost the same. Without numbers
    of these in `selection_scores.parquet` there is no row of minutes. Raises InputError for a study
    that has no such grid.
    """
    grid = read_grid(folder, evidence)
    truth, name, targets = grid.truth, folder.name, [*grid.expected]
    yield row_of(name, "seconds", truth, {each: [grid.seconds(each)] for each in targets})
    if len(grid.features):
        yield row_of(name, "minutes", truth, {each: [grid.minutes(each)] for each in targets})
    yield row_of(name, "hours", truth, {each: grid.hours(each) for each in targets})
    first = max(2, round(len(truth.sources) / 3))
    few = {each: grid.hours(each, first) for each in targets}
    yield row_of(name, f"hours, first {first}", truth, few)


def read_grid(folder: Path, evidence: Evidence) -> Grid:
    """Read the tables of a study whose targets were trained alone and from sources."""
    runs = of_full_size(read_runs(folder / "scores.parquet", folder / "trainings.parquet"))
    options = Options()
    truth = truth_of_runs(flag_degenerate(runs, options.degenerate), options, folder.name)
    if not any(len(truth.candidates(target)) > 1 for target in truth.targets):
        raise InputError(
            f"{folder / 'scores.parquet'}: found no target of the arm {options.contrasts[0].arm} "
            "with scores from two sources or more, so that nothing judges a choice."
        )
    sources = sources_in_order(runs[(runs["role"] == "target") & (runs["source"] != NO_SOURCE)])
    return Grid(truth, sources, runs["model"].dropna().iloc[0], _features(folder), evidence)


def _features(folder: Path) -> pd.DataFrame:
    """Return the scores of the methods of budget minutes; none where one of them is missing."""
    path = folder / "selection_scores.parquet"
    scores = read_selection_scores(path) if path.exists() else pd.DataFrame({"method": []})
    own = scores[scores["method"].isin(BY_FEATURES)]
    return own if own["method"].nunique() == len(BY_FEATURES) else own.iloc[:0]
