"""The difference of one cell from its baseline: interval and test, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from interlude.analysis.results import trial

WELCH = "Welch t"
PAIRED = "paired t"
NO_RUNS = "no runs left"
NO_SCORE = "no run has a score"
NO_BASELINE = "no baseline"
MEAN_ONLY = "cell known as a mean only"
BASELINE_MEAN_ONLY = "baseline known as a mean only"
ONE_EACH = "one run against one run: no difference can be estimated"
TOO_FEW = "fewer than 2 runs on a side"
NO_POINT = "no point of the grid has runs on both sides"
ONE_AT_EACH = "a side with one run at each point of the grid: no spread between restarts"
NO_SPREAD = "no spread between restarts"
# Scores that differ by less are equal: a test on rounding errors would call anything significant.
EQUAL = 1e-9


@dataclass(frozen=True)
class Scores:
    """Scores of one cell by restart, with the seed each restart ran under.

    by_restart: index restart, values score; seeds: same index, missing where unknown. With a grid
    of settings the index is point and restart: points are settings, whose means are compared;
    restarts are repetitions, and what lies between those of one point is the noise.

    mean_only: the mean where nothing else was published; then by_restart is empty, and sd_only and
    n_only are what was published with it. starts: how many trainings the restarts began from;
    restarts: how many there are, where by_restart holds the means of several of them. runs: the
    rows that were passed to `of_runs`.
    """

    by_restart: pd.Series[float] = field(default_factory=lambda: pd.Series(dtype="float64"))
    seeds: pd.Series[int] = field(default_factory=lambda: pd.Series(dtype="Int64"))
    mean_only: float = math.nan
    sd_only: float = math.nan
    n_only: int = 0
    starts: int = 0
    restarts: int = 0
    runs: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of_runs(cls, runs: pd.DataFrame) -> Scores:
        """Return the scores of a cell's runs; of those that share a start, the starts' means.

        Runs of one start are no independent trials of the source. Where all share one, they are
        kept: they are evidence on this one encoder only, as the note says.
        """
        trials = runs.set_index(trial(runs)).sort_index()
        starts = trials["start"].nunique()
        each = cls(trials["score"], trials["seed"], starts=starts, restarts=len(trials), runs=runs)
        if not 1 < starts < len(trials):
            return each
        level = each.deviations + each.mean if each.has_points else trials["score"]
        means = level.groupby(trials["start"], sort=False).mean()
        unknown = pd.Series(pd.NA, index=means.index, dtype="Int64")
        return replace(each, by_restart=means, seeds=unknown)

    @property
    def n(self) -> int:
        """Number of independent restarts."""
        return len(self.by_restart) or self.n_only

    @property
    def has_points(self) -> bool:
        """Whether its runs are at points of a grid."""
        return self.by_restart.index.nlevels > 1

    @property
    def deviations(self) -> pd.Series[float]:
        """Each run minus the mean of all, or of its point of a grid."""
        if self.has_points:
            return self.by_restart - self.by_restart.groupby(level="point").transform("mean")
        return self.by_restart - self.mean

    @property
    def mean(self) -> float:
        """Mean over restarts, or the published one; of a grid, the mean of its points' means."""
        if self.has_points:
            return float(self.by_restart.groupby(level="point").mean().mean())
        return float(self.by_restart.mean()) if len(self.by_restart) else self.mean_only

    @property
    def sd(self) -> float:
        """Sample standard deviation, of a grid within its points; NaN without a degree of freedom.

        That of a grid is pooled: it is assumed to be the same at all points.
        """
        if self.degrees < 1:
            return math.nan
        if self.has_points:
            return math.sqrt((self.deviations**2).sum() / self.degrees)
        return float(self.by_restart.std(ddof=1)) if len(self.by_restart) else self.sd_only

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the standard deviation: runs less the means estimated from them."""
        return self.n - (len(self._runs_of_points) if self.has_points else 1)

    @property
    def n_effective(self) -> float:
        """Number of runs that would give the mean the same variance, spread evenly over points."""
        if not self.has_points:
            return self.n
        return len(self._runs_of_points) ** 2 / float((1 / self._runs_of_points).sum())

    @cached_property
    def points(self) -> set[int]:
        """The points of a grid that its runs are at; none without a grid."""
        return set(self.runs["point"].dropna()) if len(self.runs) else set()

    def at(self, points: set[int]) -> Scores:
        """Return the scores of the runs at these points of a grid."""
        return Scores.of_runs(self.runs[self.runs["point"].isin(points)])

    @property
    def is_mean_only(self) -> bool:
        """Whether there is a mean, and no spread for a test."""
        return not len(self.by_restart) and math.isnan(self.sd) and not math.isnan(self.mean_only)

    @property
    def variance_of_mean(self) -> tuple[float, int]:
        """The variance of the mean, and its degrees of freedom."""
        return self.sd**2 / self.n_effective, self.degrees

    @property
    def _runs_of_points(self) -> pd.Series[int]:
        return self.by_restart.groupby(level="point").size()


NO_SCORES = Scores()


@dataclass(frozen=True)
class Difference:
    """A cell minus its baseline, in units of the score; NaN where it cannot be estimated.

    ci_low, ci_high: 1 - alpha interval of the difference. p: two-sided. spread: standard deviation
    of the differences of pairs, where they are tested. test: which test was made; note: why none.
    """

    delta: float
    ci_low: float = math.nan
    ci_high: float = math.nan
    p: float = math.nan
    spread: float = math.nan
    test: str = ""
    note: str = ""


def difference(cell: Scores, baseline: Scores, alpha: float, paired: bool) -> Difference:
    """Compare a cell with its baseline.

    Welch's t test with Satterthwaite's degrees of freedom. paired: a paired t test instead where
    both hold the same restarts under the same seeds, which pays only if seeds decide much: with
    three restarts, above a correlation of .56. Nothing is tested without spread or with one run on
    a side.

    Of a grid, the mean over the points that both sides have of the difference at a point: points
    are fixed effects, and the error is that of the restarts within them.
    """
    if cell.points.isdisjoint(baseline.points) and cell.points and baseline.points:
        return Difference(math.nan, note=NO_POINT)
    cell, baseline = at_common_points(cell, baseline)
    delta = mean_difference(cell, baseline)
    pairs = paired and _share_seeds(cell, baseline)
    note = _untestable(cell, baseline, pairs)
    if note:
        return Difference(delta, note=note)
    if not pairs:
        both = [cell.variance_of_mean, baseline.variance_of_mean]
        return Difference(delta, *welch(delta, both, alpha), test=WELCH)
    between = Scores(cell.by_restart - baseline.by_restart)
    tested = welch(delta, [between.variance_of_mean], alpha)
    return Difference(delta, *tested, between.sd, PAIRED)


def at_common_points(cell: Scores, baseline: Scores) -> tuple[Scores, Scores]:
    """Return both sides at the points of a grid that both have; as they are, where these are all.

    A point that one side lacks would make a difference of settings one of the sides.
    """
    if cell.points == baseline.points or not (cell.points and baseline.points):
        return cell, baseline
    common = cell.points & baseline.points
    return cell.at(common), baseline.at(common)


def mean_difference(cell: Scores, baseline: Scores) -> float:
    """Return the difference of the means; NaN for one run against one."""
    cell, baseline = at_common_points(cell, baseline)
    return math.nan if cell.n == baseline.n == 1 else cell.mean - baseline.mean


def welch(
    value: float, parts: Sequence[tuple[float, float]], alpha: float
) -> tuple[float, float, float]:
    """Return low and high of the 1 - alpha interval of a value, and p of its being 0.

    parts: variances that add up to the value's, each with its degrees of freedom, of which those of
    the sum follow (Satterthwaite 1946; Welch 1947). Of one part it is the ordinary t test.
    """
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    error = math.sqrt(variance)
    margin = float(stats.t.isf(alpha / 2, freedom)) * error
    return value - margin, value + margin, float(2 * stats.t.sf(abs(value) / error, freedom))


def holm(p: pd.Series[float]) -> pd.Series[float]:
    """Return p values after Holm's correction (1979) over those that are not missing."""
    ranked = p.dropna().sort_values()
    steps = np.arange(len(ranked), 0, -1)
    return (ranked * steps).cummax().clip(upper=1.0).reindex(p.index)


def false_discovery(p: pd.Series[float]) -> pd.Series[float]:
    """Return p values after Benjamini and Hochberg's (1995) over those that are not missing."""
    tested = p.dropna()
    values = stats.false_discovery_control(tested) if len(tested) else []
    return pd.Series(values, index=tested.index, dtype="float64").reindex(p.index)


def _untestable(cell: Scores, baseline: Scores, pairs: bool) -> str:
    if math.isnan(cell.mean):
        return NO_RUNS
    if math.isnan(baseline.mean):
        return NO_BASELINE
    for side, note in ((cell, MEAN_ONLY), (baseline, BASELINE_MEAN_ONLY)):
        if side.is_mean_only and side.n != 1:
            return note
    if min(cell.n, baseline.n) < 2:
        return ONE_EACH if cell.n == baseline.n else TOO_FEW
    if min(cell.degrees, baseline.degrees) < 1:
        return ONE_AT_EACH
    return NO_SPREAD if _spread(cell, baseline, pairs) <= EQUAL else ""


def _spread(cell: Scores, baseline: Scores, pairs: bool) -> float:
    if pairs:
        return Scores(cell.by_restart - baseline.by_restart).sd
    return max(cell.sd, baseline.sd)


def _share_seeds(cell: Scores, baseline: Scores) -> bool:
    """Whether restart k of both sides ran under the same known seed, for the same restarts."""
    same = cell.seeds.sort_index().equals(baseline.seeds.sort_index())
    return same and len(cell.seeds) > 0 and not cell.seeds.hasnans
