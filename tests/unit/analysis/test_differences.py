"""Intervals and tests against scipy, statsmodels and hand-made cases."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from interlude.analysis import differences
from interlude.analysis.differences import (
    Difference,
    Scores,
    difference,
    false_discovery,
    holm,
)
from interlude.analysis.options import Statistics

CELL = [0.71, 0.735, 0.72, 0.74]
BASE = [0.69, 0.70, 0.688, 0.71]


def scores(values: list[float], seeds: list[int] | None = None) -> Scores:
    restarts = pd.Index(range(1, len(values) + 1))
    known = pd.Series(seeds or [None] * len(values), index=restarts, dtype="Int64")
    return Scores(pd.Series(values, index=restarts, dtype="float64"), known)


def compare(cell: Scores, baseline: Scores, paired: bool = False) -> Difference:
    return difference(cell, baseline, alpha=0.05, paired=paired)


def test_welch_as_in_scipy() -> None:
    result = compare(scores(CELL), scores(BASE[:3]))
    expected = stats.ttest_ind(CELL, BASE[:3], equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert result.test == differences.WELCH
    assert result.delta == pytest.approx(np.mean(CELL) - np.mean(BASE[:3]))
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.ci_low, result.ci_high) == pytest.approx((interval.low, interval.high))


def test_restarts_that_share_seeds_are_no_pairs_unless_the_config_says_so() -> None:
    seeds = [11, 12, 13, 14]
    result = compare(scores(CELL, seeds), scores(BASE, seeds))
    assert result.test == differences.WELCH
    assert result.p == pytest.approx(stats.ttest_ind(CELL, BASE, equal_var=False).pvalue)
    assert not Statistics().paired


def test_paired_as_in_scipy_when_restarts_share_seeds() -> None:
    seeds = [11, 12, 13, 14]
    result = compare(scores(CELL, seeds), scores(BASE, seeds), paired=True)
    expected = stats.ttest_rel(CELL, BASE)
    interval = expected.confidence_interval(0.95)
    assert result.test == differences.PAIRED
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.ci_low, result.ci_high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(
    "baseline",
    [
        scores(BASE, [11, 12, 13, 15]),
        scores(BASE[:3], [11, 12, 13]),
        scores(BASE, None),
    ],
)
def test_not_paired_with_other_seeds_fewer_restarts_or_unknown_seeds(baseline: Scores) -> None:
    assert compare(scores(CELL, [11, 12, 13, 14]), baseline, paired=True).test == differences.WELCH


@pytest.mark.parametrize(
    ("cell", "baseline", "note"),
    [
        (scores([]), scores(BASE), differences.NO_RUNS),
        (scores(CELL), scores([]), differences.NO_BASELINE),
        (scores(CELL), Scores(mean_only=0.7), differences.BASELINE_MEAN_ONLY),
        (scores(CELL[:1]), scores(BASE), differences.TOO_FEW),
        (scores(CELL), scores(BASE[:1]), differences.TOO_FEW),
        (scores([0.7, 0.7, 0.7]), scores([0.6, 0.6, 0.6]), differences.NO_SPREAD),
    ],
)
def test_what_can_not_be_tested_says_why(cell: Scores, baseline: Scores, note: str) -> None:
    result = compare(cell, baseline)
    assert result.note == note
    assert result.test == ""
    assert math.isnan(result.p)
    assert math.isnan(result.ci_low)


def test_pairs_that_differ_by_the_same_have_no_spread() -> None:
    result = compare(scores([0.7, 0.8], [1, 2]), scores([0.6, 0.7], [1, 2]), paired=True)
    assert (result.note, result.test) == (differences.NO_SPREAD, "")


def test_one_run_against_one_is_no_difference() -> None:
    result = compare(scores([0.71]), scores([0.7]))
    assert math.isnan(result.delta)
    assert result.note == differences.ONE_EACH


def test_published_means_with_sd_and_n_are_tested_as_in_scipy() -> None:
    cell = Scores(mean_only=0.72, sd_only=0.012, n_only=8)
    baseline = Scores(mean_only=0.70, sd_only=0.03, n_only=5)
    result = compare(cell, baseline)
    test = stats.ttest_ind_from_stats(0.72, 0.012, 8, 0.70, 0.03, 5, equal_var=False)
    assert (result.p, result.test) == (pytest.approx(test.pvalue), differences.WELCH)
    assert compare(cell, scores(BASE)).p > 0
    assert compare(cell, baseline, paired=True).test == differences.WELCH


@pytest.mark.parametrize(
    ("cell", "note"),
    [
        (Scores(mean_only=0.7), differences.MEAN_ONLY),
        (Scores(mean_only=0.7, n_only=8), differences.MEAN_ONLY),
        (Scores(mean_only=0.7, sd_only=0.1), differences.MEAN_ONLY),
        (Scores(mean_only=0.7, sd_only=0.1, n_only=1), differences.TOO_FEW),
    ],
)
def test_a_mean_without_what_a_test_needs_says_what_it_is(cell: Scores, note: str) -> None:
    result = compare(cell, scores(BASE))
    assert (result.note, math.isnan(result.p)) == (note, True)
    assert result.delta == pytest.approx(0.7 - np.mean(BASE))


def test_a_difference_needs_no_test() -> None:
    assert compare(scores([0.71]), scores([0.7, 0.7])).delta == pytest.approx(0.01)
    assert compare(scores(CELL), Scores(mean_only=0.7)).delta == pytest.approx(0.02625)


def test_one_side_without_spread_is_still_tested_as_in_scipy() -> None:
    result = compare(scores(CELL), scores([0.7, 0.7, 0.7]))
    sd = np.std(CELL, ddof=1)
    t = (np.mean(CELL) - 0.7) / (sd / 2)
    assert result.p == pytest.approx(2 * stats.t.sf(abs(t), 3))


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.04], [0.5], [0.01, 0.01, 0.9], []])
def test_corrections_as_in_statsmodels_with_ties_and_missing_values(p: list[float]) -> None:
    with_gaps = pd.Series([*p, math.nan], dtype="float64")
    for corrected, method in ((holm, "holm"), (false_discovery, "fdr_bh")):
        actual = corrected(with_gaps)
        assert math.isnan(actual.iloc[-1])
        expected = multipletests(p, method=method)[1] if p else []
        assert actual.iloc[:-1].tolist() == pytest.approx(list(expected))
