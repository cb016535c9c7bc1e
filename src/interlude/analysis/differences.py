"""The difference of one cell from its baseline: interval and test, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

WELCH = "Welch t"
PAIRED = "paired t"
NO_RUNS = "no runs left"
NO_SCORE = "no run has a score"
NO_BASELINE = "no baseline"
MEAN_ONLY = "cell known as a mean only"
BASELINE_MEAN_ONLY = "baseline known as a mean only"
ONE_EACH = "one run against one run: no difference can be told"
TOO_FEW = "fewer than 2 runs on a side"
NO_SPREAD = "no spread between restarts"
# Scores that differ by less are equal: a test on rounding errors would find anything.
EQUAL = 1e-9


@dataclass(frozen=True)
class Scores:
    """Scores of one cell by restart, with the seed each restart ran under.

    by_restart: index restart, values score; seeds: same index, missing where unknown.
    mean_only: the mean where nothing else was published; then by_restart is empty, and sd_only and
    n_only are what was published with it. starts: how many trainings the restarts began from;
    restarts: how many there are, where by_restart holds the means of several of them.
    """

    by_restart: pd.Series[float] = field(default_factory=lambda: pd.Series(dtype="float64"))
    seeds: pd.Series[int] = field(default_factory=lambda: pd.Series(dtype="Int64"))
    mean_only: float = math.nan
    sd_only: float = math.nan
    n_only: int = 0
    starts: int = 0
    restarts: int = 0

    @property
    def n(self) -> int:
        """Number of independent restarts."""
        return len(self.by_restart) or self.n_only

    @property
    def mean(self) -> float:
        """Mean over restarts, or the published one."""
        return float(self.by_restart.mean()) if len(self.by_restart) else self.mean_only

    @property
    def sd(self) -> float:
        """Sample standard deviation; NaN below two runs."""
        if self.n < 2:
            return math.nan
        return float(self.by_restart.std(ddof=1)) if len(self.by_restart) else self.sd_only

    @property
    def is_mean_only(self) -> bool:
        """Whether there is a mean, and no spread that a test could go by."""
        return not len(self.by_restart) and math.isnan(self.sd) and not math.isnan(self.mean_only)

    @property
    def variance_of_mean(self) -> tuple[float, int]:
        """The variance of the mean, and its degrees of freedom."""
        return self.sd**2 / self.n, self.n - 1


NO_SCORES = Scores()


@dataclass(frozen=True)
class Difference:
    """A cell minus its baseline, in units of the score; NaN where it can not be told.

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
    """
    delta = mean_difference(cell, baseline)
    pairs = paired and _share_seeds(cell, baseline)
    note = _untestable(cell, baseline, pairs)
    if note:
        return Difference(delta, note=note)
    if not pairs:
        both = [cell.variance_of_mean, baseline.variance_of_mean]
        return Difference(delta, *welch(delta, both, alpha), test=WELCH)
    between = Scores(cell.by_restart - baseline.by_restart)
    found = welch(delta, [between.variance_of_mean], alpha)
    return Difference(delta, *found, between.sd, PAIRED)


def mean_difference(cell: Scores, baseline: Scores) -> float:
    """Return the difference of the means; NaN for one run against one, which tells nothing."""
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
    return NO_SPREAD if _spread(cell, baseline, pairs) <= EQUAL else ""


def _spread(cell: Scores, baseline: Scores, pairs: bool) -> float:
    if pairs:
        return Scores(cell.by_restart - baseline.by_restart).sd
    return max(cell.sd, baseline.sd)


def _share_seeds(cell: Scores, baseline: Scores) -> bool:
    """Whether restart k of both sides ran under the same known seed, for the same restarts."""
    same = cell.seeds.sort_index().equals(baseline.seeds.sort_index())
    return same and len(cell.seeds) > 0 and not cell.seeds.hasnans
