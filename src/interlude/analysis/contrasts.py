"""The difference of one cell from its baseline: interval and test, or why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

WELCH = "Welch t"
PAIRED = "paired t"
NO_RUNS = "no runs left"
NO_BASELINE = "no baseline"
BASELINE_MEAN_ONLY = "baseline known as a mean only"
TOO_FEW = "fewer than 2 runs on a side"
NO_SPREAD = "no spread between restarts"
# Scores that differ by less are equal: a test on rounding errors would find anything.
EQUAL = 1e-9


@dataclass(frozen=True)
class Scores:
    """Scores of one cell by restart, with the seed each restart ran under.

    by_restart: index restart, values score; seeds: same index, missing where unknown.
    mean_only: the mean where nothing else was published; then by_restart is empty.
    """

    by_restart: pd.Series[float] = field(default_factory=lambda: pd.Series(dtype="float64"))
    seeds: pd.Series[int] = field(default_factory=lambda: pd.Series(dtype="Int64"))
    mean_only: float = math.nan

    @property
    def n(self) -> int:
        """Number of restarts."""
        return len(self.by_restart)

    @property
    def mean(self) -> float:
        """Mean over restarts, or the published one."""
        return float(self.by_restart.mean()) if self.n else self.mean_only

    @property
    def sd(self) -> float:
        """Sample standard deviation; NaN below two runs."""
        return float(self.by_restart.std(ddof=1)) if self.n > 1 else math.nan


NO_SCORES = Scores()


@dataclass(frozen=True)
class Contrast:
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


def contrast(cell: Scores, baseline: Scores, alpha: float, paired: bool) -> Contrast:
    """Compare a cell with its baseline.

    Welch's t test with Satterthwaite's degrees of freedom. paired: a paired t test instead where
    both hold the same restarts under the same seeds, which pays only if seeds decide much: with
    three restarts, above a correlation of .56. Nothing is tested without spread or with one run on
    a side.
    """
    delta = cell.mean - baseline.mean
    pairs = paired and _share_seeds(cell, baseline)
    note = _untestable(cell, baseline, pairs)
    if note:
        return Contrast(delta, note=note)
    p, low, high = (_paired if pairs else _welch)(cell, baseline, alpha)
    spread = _paired_spread(cell, baseline) if pairs else math.nan
    return Contrast(delta, float(low), float(high), float(p), spread, PAIRED if pairs else WELCH)


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
    if not cell.n:
        return NO_RUNS
    if not baseline.n:
        return NO_BASELINE if math.isnan(baseline.mean_only) else BASELINE_MEAN_ONLY
    if min(cell.n, baseline.n) < 2:
        return TOO_FEW
    spread = _paired_spread(cell, baseline) if pairs else max(cell.sd, baseline.sd)
    return "" if spread > EQUAL else NO_SPREAD


def _share_seeds(cell: Scores, baseline: Scores) -> bool:
    """Whether restart k of both sides ran under the same known seed, for the same restarts."""
    same = cell.seeds.sort_index().equals(baseline.seeds.sort_index())
    return same and not cell.seeds.hasnans


def _paired_spread(cell: Scores, baseline: Scores) -> float:
    return float((cell.by_restart - baseline.by_restart).std(ddof=1))


def _paired(cell: Scores, baseline: Scores, alpha: float) -> tuple[float, float, float]:
    """Return p, low and high of the mean of the differences."""
    differences = DescrStatsW(cell.by_restart - baseline.by_restart)
    _, p, _ = differences.ttest_mean(0)
    return (p, *differences.tconfint_mean(alpha))


def _welch(cell: Scores, baseline: Scores, alpha: float) -> tuple[float, float, float]:
    """Return p, low and high of the difference of the means."""
    sides = CompareMeans(DescrStatsW(cell.by_restart), DescrStatsW(baseline.by_restart))
    _, p, _ = sides.ttest_ind(usevar="unequal")
    return (p, *sides.tconfint_diff(alpha, usevar="unequal"))
