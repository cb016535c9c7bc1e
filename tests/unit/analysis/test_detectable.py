"""What a test finds: against published values, by simulation, and in the transfer table."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import record, runs_of
from scipy import optimize, stats
from statsmodels.stats.power import TTestPower

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Statistics
from interlude.analysis.power import smallest_effect, smallest_paired_effect
from interlude.analysis.transfer import transfer_table

# Of the mean and of the baseline, the scores of three restarts.
Rows = Mapping[tuple[str, str], list[float]]


@pytest.mark.parametrize(
    ("n", "alone", "first_of_110"),
    [(2, 10.38, 751), (3, 3.50, 20.4), (5, 2.09, 5.00), (10, 1.33, 2.39), (20, 0.91, 1.50)],
)
def test_what_welchs_test_finds(n: int, alone: float, first_of_110: float) -> None:
    assert smallest_effect(n, n, 0.05, 0.8) == pytest.approx(alone, rel=0.01)
    assert smallest_effect(n, n, 0.05 / 110, 0.8) == pytest.approx(first_of_110, rel=0.01)


@pytest.mark.parametrize(("n", "n_baseline", "alpha"), [(3, 3, 0.05), (3, 8, 0.05), (5, 5, 0.01)])
def test_a_detectable_difference_is_detected_with_its_power(
    n: int, n_baseline: int, alpha: float
) -> None:
    noise = np.random.default_rng(4)
    shift = smallest_effect(n, n_baseline, alpha, 0.8)
    cell = shift + noise.normal(size=(20_000, n))
    base = noise.normal(size=(20_000, n_baseline))
    significant = stats.ttest_ind(cell, base, axis=1, equal_var=False).pvalue < alpha
    assert significant.mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("n", [50, 94, 95, 200, 1000])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 110])
def test_of_many_runs_welchs_test_finds_what_students_does(n: int, alpha: float) -> None:
    """By scipy's noncentral t, whose lower tail counts for nothing here."""
    bound = stats.t.isf(alpha / 2, 2 * n - 2)

    def missed(shift: float) -> float:
        return float(stats.nct.cdf(bound, 2 * n - 2, shift)) - 0.2

    student = optimize.brentq(missed, bound, bound + 2) * math.sqrt(2 / n)
    assert smallest_effect(n, n, alpha, 0.8) == pytest.approx(student, rel=1e-3)


def test_what_a_paired_test_finds_is_as_in_statsmodels() -> None:
    expected = TTestPower().solve_power(nobs=4, alpha=0.05, power=0.8)
    assert smallest_paired_effect(4, 0.05, 0.8) == pytest.approx(expected)


def test_a_power_below_the_level_needs_no_difference() -> None:
    assert smallest_effect(3, 3, 0.05, 0.01) == 0


ROWS: Rows = {
    ("none", "boolq"): [0.60, 0.62, 0.64],
    ("mnli", "boolq"): [0.66, 0.66, 0.66],
    ("sst", "boolq"): [0.61, 0.65, 0.66],
    ("none", "copa"): [0.5, 0.5, 0.5],
    ("mnli", "copa"): [0.7, 0.7, 0.7],
    ("mnli", "rte"): [0.6, 0.7, 0.8],
    ("none", "wic"): [0.55],
    ("mnli", "wic"): [0.6, 0.7, 0.8],
}


def transfer(rows: Rows, **levels: bool) -> pd.DataFrame:
    runs = runs_of(
        record("target", source, task, restart, score)
        for (source, task), scores in rows.items()
        for restart, score in enumerate(scores, start=1)
    )
    options = Options(statistics=Statistics(**levels))
    table = transfer_table(flag_degenerate(runs, DegenerateRule()), options, filtered=True)
    return table.set_index(["source", "task"])


def test_the_spread_is_that_of_the_task_not_that_of_the_cell() -> None:
    cells = transfer(ROWS)
    variances = [np.var(ROWS[name, "boolq"], ddof=1) for name in ("none", "mnli", "sst")]
    sd = 100 * np.sqrt(np.mean(variances))
    for source in ("mnli", "sst"):
        assert cells.loc[(source, "boolq"), "task_sd"] == pytest.approx(sd)
        alone = cells.loc[(source, "boolq"), "detectable"]
        assert alone == pytest.approx(sd * smallest_effect(3, 3, 0.05, 0.8))
        first = cells.loc[(source, "boolq"), "detectable_holm"]
        assert first == pytest.approx(sd * smallest_effect(3, 3, 0.05 / 2, 0.8))  # of two tests


def test_where_nothing_is_tested_nothing_is_detectable() -> None:
    cells = transfer(ROWS)[["note", "detectable", "detectable_holm"]]
    assert cells["note"].drop([("mnli", "boolq"), ("sst", "boolq")]).to_dict() == {
        ("mnli", "copa"): "no spread between restarts",
        ("mnli", "rte"): "no baseline",
        ("mnli", "wic"): "fewer than 2 runs on a side",
    }
    assert cells.loc[cells["note"] != "", ["detectable", "detectable_holm"]].isna().all(axis=None)


def test_a_baseline_that_is_a_mean_stands_for_as_many_runs_unless_nothing_varies() -> None:
    runs = [record("target", "none", "copa", 1, 0.5, status="mean_only")]
    runs += [record("target", "mnli", "copa", k, 0.6 + k / 100) for k in (1, 2, 3, 4)]
    runs += [record("target", "sst", "copa", k, 0.7) for k in (1, 2, 3)]
    flagged = flag_degenerate(runs_of(runs), DegenerateRule())
    cells = transfer_table(flagged, Options(), filtered=True).set_index("source")
    sd = cells.loc["mnli", "task_sd"]
    assert cells.loc["mnli", "detectable"] == pytest.approx(sd * smallest_effect(4, 4, 0.05, 0.8))
    assert np.isnan(cells.loc["sst", "detectable"])


def test_of_pairs_it_is_their_differences_that_spread() -> None:
    cells = transfer(ROWS, paired=True)
    both = [np.subtract(ROWS[name, "boolq"], ROWS["none", "boolq"]) for name in ("mnli", "sst")]
    sd = 100 * np.sqrt(np.mean([np.var(one, ddof=1) for one in both]))
    assert cells.loc[("sst", "boolq"), "test"] == "paired t"
    detectable = cells.loc[("sst", "boolq"), "detectable"]
    assert detectable == pytest.approx(sd * smallest_paired_effect(3, 0.05, 0.8))
