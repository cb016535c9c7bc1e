"""The difference of one cell from its baseline: interval, test, and what could have been found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

WELCH = "Welch t"
PAIRED = "paired t"
NO_RUNS = "no runs left"
NO_BASELINE = "no baseline"
BASELINE_MEAN_ONLY = "baseline known as a mean only"
TOO_FEW = "fewer than 2 runs on a side"
NO_SPREAD = "no spread between restarts"
# Scores that differ by less are equal: a test on rounding errors would find anything.
_EQUAL = 1e-9


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

    ci_low, ci_high: 1 - alpha interval of the difference. p: two-sided.
    detectable: smallest difference that a two-sided test at alpha finds with the given power.
    test: which test was made; note: why none was.
    """

    delta: float
    ci_low: float = math.nan
    ci_high: float = math.nan
    p: float = math.nan
    detectable: float = math.nan
    test: str = ""
    note: str = ""


def contrast(cell: Scores, baseline: Scores, alpha: float, power: float) -> Contrast:
    """Compare a cell with its baseline.

    Paired t test when both hold the same restarts under the same seeds, else Welch's t test with
    Satterthwaite's degrees of freedom. Nothing is tested without spread or with one run on a side.
    """
    delta = cell.mean - baseline.mean
    detectable = _detectable(cell, baseline, alpha, power)
    note = _untestable(cell, baseline)
    if note:
        return Contrast(delta, detectable=detectable, note=note)
    paired = _share_seeds(cell, baseline)
    p, low, high = (_paired if paired else _welch)(cell, baseline, alpha)
    test = PAIRED if paired else WELCH
    return Contrast(delta, float(low), float(high), float(p), detectable, test)


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


def _untestable(cell: Scores, baseline: Scores) -> str:
    if not cell.n:
        return NO_RUNS
    if not baseline.n:
        return NO_BASELINE if math.isnan(baseline.mean_only) else BASELINE_MEAN_ONLY
    if min(cell.n, baseline.n) < 2:
        return TOO_FEW
    return "" if _spread(cell, baseline) > _EQUAL else NO_SPREAD


def _share_seeds(cell: Scores, baseline: Scores) -> bool:
    """Whether restart k of both sides ran under the same known seed, for the same restarts."""
    same = cell.seeds.sort_index().equals(baseline.seeds.sort_index())
    return same and not cell.seeds.hasnans


def _spread(cell: Scores, baseline: Scores) -> float:
    """Standard deviation that the test divides by: of the paired differences, or pooled."""
    if _share_seeds(cell, baseline):
        return float((cell.by_restart - baseline.by_restart).std(ddof=1))
    # Where a side's spread is unknown, it is taken to be that of the other side.
    known = [sd for sd in (cell.sd, baseline.sd) if not math.isnan(sd)]
    return math.sqrt(sum(sd**2 for sd in known) / len(known)) if known else math.nan


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


def _detectable(cell: Scores, baseline: Scores, alpha: float, power: float) -> float:
    if cell.n < 2:
        return math.nan
    if _share_seeds(cell, baseline):
        effect = _paired_effect(cell.n, alpha, power)
    else:
        # A baseline known as a mean only is taken to be the mean of as many runs.
        effect = _welch_effect(cell.n, baseline.n or cell.n, alpha, power)
    return _spread(cell, baseline) * effect


@cache
def _paired_effect(n: int, alpha: float, power: float) -> float:
    """Smallest standardised difference that a paired t test of n pairs finds."""
    return float(TTestPower().solve_power(nobs=n, alpha=alpha, power=power))


@cache
def _welch_effect(n: int, n_baseline: int, alpha: float, power: float) -> float:
    """Smallest standardised difference that a t test of n against n_baseline runs finds."""
    ratio = n_baseline / n
    return float(TTestIndPower().solve_power(nobs1=n, ratio=ratio, alpha=alpha, power=power))
