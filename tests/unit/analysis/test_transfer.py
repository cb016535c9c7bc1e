"""The transfer table counts every planned run and means what it says."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from helpers.synthetic import (
    PROBING,
    TARGET,
    awkward_runs,
    demo_options,
    demo_runs,
    record,
    runs_of,
)
from scipy import stats

from interlude.analysis.averages import average_table
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.transfer import cell_scores, transfer_table

FIRST_COLUMNS = [
    *("arm", "against"),
    *("source", "task", "role", "mean", "sd", "n", "baseline", "delta", "ci_low", "ci_high"),
    *("p", "p_holm", "p_fdr", "n_degenerate"),
]


def table(runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    options = demo_options()
    return transfer_table(flag_degenerate(runs, options.degenerate), options, filtered)


def averages_of(runs: pd.DataFrame) -> pd.DataFrame:
    flagged = flag_degenerate(runs, DegenerateRule())
    transfer = transfer_table(flagged, Options(), filtered=True)
    return average_table(transfer, cell_scores(flagged, filtered=True), Options())


def cell(transfer: pd.DataFrame, source: str, task: str) -> pd.Series:
    return transfer.set_index(["source", "task"]).loc[(source, task)]


def test_columns_and_order_of_the_paper() -> None:
    transfer = table(demo_runs(), filtered=True)
    assert list(transfer.columns[: len(FIRST_COLUMNS)]) == FIRST_COLUMNS
    assert list(dict.fromkeys(transfer["task"])) == TARGET + PROBING
    assert len(transfer) == 3 * 6


def test_a_cell_by_hand() -> None:
    runs = demo_runs()
    own = runs[(runs["source"] == "social-iqa") & (runs["task"] == "disfl-qa")]["score"] * 100
    base = runs[(runs["source"] == "none") & (runs["task"] == "disfl-qa")]["score"] * 100
    row = cell(table(runs, filtered=False), "social-iqa", "disfl-qa")
    assert row["mean"] == pytest.approx(own.mean())
    assert row["sd"] == pytest.approx(own.std())
    assert row["delta"] == pytest.approx(own.mean() - base.mean())
    assert row["p"] == pytest.approx(stats.ttest_ind(own, base, equal_var=False).pvalue)
    assert row["n"] == 3


def test_degenerate_failed_and_missing_runs_are_counted_never_dropped() -> None:
    for filtered in (True, False):
        transfer = table(demo_runs(), filtered)
        constant = cell(transfer, "sarcasm", "boolq")
        assert (constant["n"], constant["n_degenerate"]) == (2 if filtered else 3, 1)
        diverged = cell(transfer, "sarcasm", "finance-ner")
        counts = diverged["n_degenerate"], diverged["n_diverged"]
        assert (diverged["n"], *counts) == (2 if filtered else 3, 1, 1)
        assert cell(transfer, "social-iqa", "boolq")["n_failed"] == 1
        assert cell(transfer, "privacy-qa", "word-content")["n_missing"] == 1
        assert (transfer["n_planned"] == 3).all()


def test_a_cell_with_degenerate_runs_only_has_no_score_but_stands_in_the_table() -> None:
    runs = [record("target", "none", "boolq", k, 0.6 + k / 100) for k in (1, 2)]
    runs += [record("target", "mnli", "boolq", k, 0.3) for k in (1, 2)]
    row = table(runs_of(runs), filtered=True).iloc[0]
    assert (row["n"], row["n_degenerate"], row["note"]) == (0, 2, "no runs left")
    assert math.isnan(row["delta"])


def test_one_run_against_one_run_is_no_difference() -> None:
    one = [record("target", "none", "boolq", 1, 0.6), record("target", "mnli", "boolq", 1, 0.65)]
    transfer = table(runs_of(one), filtered=True)
    row = transfer.iloc[0]
    assert (row["mean"], row["baseline"]) == pytest.approx((65, 60))
    assert row[["delta", "delta_all_outcomes", "delta_given_success"]].isna().all()
    assert row["note"] == "one run against one run: no difference can be estimated"
    assert averages_of(runs_of(one)).empty
    assert table(runs_of(one[:1]), filtered=True).empty


def test_each_role_is_a_family_of_its_own() -> None:
    transfer = table(demo_runs(), filtered=False)
    for _, cells in transfer.groupby("role"):
        smallest = cells["p"].idxmin()
        assert cells.loc[smallest, "p_holm"] == pytest.approx(cells["p"].min() * 9)
        expected = stats.false_discovery_control(cells["p"])
        assert cells["p_fdr"].tolist() == pytest.approx(expected.tolist())


def test_the_awkward_study_says_what_can_not_be_tested() -> None:
    options = Options()
    flagged = flag_degenerate(awkward_runs(), options.degenerate)
    transfer = transfer_table(flagged, options, filtered=True)
    assert len(transfer) == 58
    assert transfer["note"].value_counts().to_dict() == {
        "": 54,
        "no runs left": 1,
        "no run has a score": 1,
        "no baseline": 1,
        "no spread between restarts": 1,
    }
    assert (transfer["delta"].dropna() < 0).all()


def published(source: str, score: float, **metrics: object) -> dict[str, object]:
    return record("target", source, "boolq", 1, score, status="mean_only", metrics=metrics)


def test_a_published_mean_with_sd_and_n_is_tested() -> None:
    runs = runs_of([published("none", 0.7, sd=0.03, n=5), published("mnli", 0.72, sd=0.012, n=8)])
    row = table(runs, filtered=True).iloc[0]
    test = stats.ttest_ind_from_stats(0.72, 0.012, 8, 0.7, 0.03, 5, equal_var=False)
    assert row["p"] == pytest.approx(test.pvalue)
    assert row[["n", "sd", "baseline_n", "n_planned"]].tolist() == pytest.approx([8, 1.2, 5, 0])
    assert row["detectable"] > 0


def test_a_cell_that_is_a_mean_alone_says_so_and_lacks_no_run() -> None:
    row = table(runs_of([published("none", 0.7), published("mnli", 0.72)]), filtered=True).iloc[0]
    assert row["note"] == "cell known as a mean only"
    assert row["delta"] == pytest.approx(2)
    assert row["n_planned"] == 0
