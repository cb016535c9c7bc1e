"""Failing is an outcome: shares, both means, ranks, and sources that did not learn."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.synthetic import record, runs_of
from scipy import stats

from interlude.analysis.averages import averages_by_filter
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Statistics
from interlude.analysis.outcomes import degenerate_shares
from interlude.analysis.scope import described
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.analysis.transfer import ONE_ENCODER, UNLEARNED, transfer_table
from interlude.figures.heatmap import draw_heatmap

FEW = Statistics(resamples=100)
DIVERGED: dict[str, Any] = {"status": "diverged", "score": None, "constant": None}


def cells(source: str, task: str, scores: list[float | None], **more: Any) -> list[dict[str, Any]]:
    """Runs with these scores; None: one that diverged. The majority score is .3."""
    return [
        {
            **record("target", source, task, k, score or 0.5, **more),
            **(DIVERGED if score is None else {}),
        }
        for k, score in enumerate(scores, start=1)
    ]


def study(**of_a: list[float | None]) -> pd.DataFrame:
    """Two sources: `b` is a little better than the baseline, `a` as given by task."""
    runs = []
    for task, scores in of_a.items():
        runs += cells("none", task, [0.60, 0.61, 0.62])
        runs += cells("a", task, scores)
        runs += cells("b", task, [0.61, 0.62, 0.63])
    return runs_of(runs)


def transfer(runs: pd.DataFrame, filtered: bool = True, **levels: Any) -> pd.DataFrame:
    flagged = flag_degenerate(runs, DegenerateRule())
    options = described(Options(statistics=Statistics(**levels)), flagged)
    return transfer_table(flagged, options, filtered)


@pytest.mark.parametrize(("bad", "of"), [(0, 3), (1, 3), (3, 3), (2, 5)])
def test_shares_have_the_interval_of_clopper_and_pearson(bad: int, of: int) -> None:
    counts = {"n_degenerate": [bad], "n_failed": [1], "n_missing": [1], "n_planned": [of + 2]}
    shares = degenerate_shares(pd.DataFrame(counts), 0.05)
    expected = stats.binomtest(bad, of).proportion_ci(0.95, method="exact")
    assert shares["degenerate_share"][0] == bad / of
    assert shares["degenerate_low"][0] == pytest.approx(expected.low)
    assert shares["degenerate_high"][0] == pytest.approx(expected.high)


def test_without_an_outcome_there_is_no_share() -> None:
    counts = {"n_degenerate": [0], "n_failed": [2], "n_missing": [1], "n_planned": [3]}
    shares = degenerate_shares(pd.DataFrame(counts), 0.05)
    assert all(math.isnan(value[0]) for value in shares.values())


def test_a_run_that_diverged_counts_at_the_floor_and_one_that_failed_does_not() -> None:
    runs = cells("none", "boolq", [0.6, 0.61]) + cells("a", "boolq", [0.7, None, 0.2])
    runs.append(record("target", "a", "boolq", 4, 0.9, status="failed"))
    row = transfer(runs_of(runs)).iloc[0]
    assert row["mean_given_success"] == row["mean"] == pytest.approx(70)
    assert row["mean_all_outcomes"] == pytest.approx(100 * (0.7 + 0.3 + 0.2) / 3)
    assert row["delta_all_outcomes"] == pytest.approx(40 - 60.5)
    assert row["degenerate_share"] == pytest.approx(2 / 3)
    twin = transfer(runs_of(runs), filtered=False).iloc[0]
    assert twin["mean"] == pytest.approx(row["mean_all_outcomes"])
    assert twin["n"] == 3


def test_sources_are_ranked_by_what_a_user_gets_unless_the_config_says_otherwise() -> None:
    runs = study(boolq=[0.65, 0.66, 0.3], copa=[0.64, 0.66, 0.68])
    both = averages_by_filter(transfer(runs), Options())
    assert both["source"].tolist() == ["b", "a"]
    of_a = both.set_index("source").loc["a"]
    assert of_a["delta_given_success"] == pytest.approx((4.5 + 5) / 2)
    assert of_a["delta_all_outcomes"] == pytest.approx((53.6667 - 61 + 5) / 2, abs=1e-3)
    assert of_a["disagreement"] == "sign, order"
    assert of_a[["n_degenerate", "n_planned"]].tolist() == [1, 6]
    success = Options(statistics=Statistics(ranking="given success", resamples=100))
    assert averages_by_filter(transfer(runs), success)["source"].tolist() == ["a", "b"]
    for options, first in ((Options(statistics=FEW), "b"), (success, "a")):
        tables = study_tables(runs, options)
        assert tables["averages"]["source"].tolist()[0] == first
        assert tables["averages"]["rank"].tolist() == [1, 2]


def test_both_means_stand_beside_one_another_over_the_same_tasks() -> None:
    runs = study(boolq=[0.3, 0.3, 0.3], copa=[0.64, 0.66, 0.68])
    of_a = averages_by_filter(transfer(runs), Options()).set_index("source").loc["a"]
    counts = of_a[["tasks_all_outcomes", "tasks_given_success", "common_tasks"]].tolist()
    assert counts == [2, 1, 1]
    assert of_a["common_all_outcomes"] == of_a["common_given_success"] == pytest.approx(5)
    assert of_a["delta_all_outcomes"] == pytest.approx((30 - 61 + 5) / 2)
    assert of_a["disagreement"] == "sign, order"


@pytest.fixture
def unlearned() -> pd.DataFrame:
    """A study whose source `a` never learnt its own task; `b` did, once."""
    runs = study(boolq=[0.64, 0.66, 0.68], copa=[0.64, 0.66, 0.68])
    own = [record("intermediate", "none", "a", k, 0.3) for k in (1, 2, 3)]
    own += [record("intermediate", "none", "b", k, score) for k, score in ((1, 0.3), (2, 0.7))]
    return pd.concat([runs_of(own), runs], ignore_index=True)


def test_a_source_that_did_not_learn_its_task_is_marked_everywhere(
    unlearned: pd.DataFrame, tmp_path: Path
) -> None:
    options = Options(titles={"a": "A", "b": "B"}, statistics=FEW)
    tables = study_tables(unlearned, options)
    for name in ("transfer", "transfer_unfiltered", "averages", "averages_by_filter", "sources"):
        notes = tables[name].groupby("source")["note"].agg(set)
        assert all(UNLEARNED in note for note in notes["a"]), name
        assert not any(UNLEARNED in note for note in notes["b"]), name
    flagged = flag_degenerate(unlearned, options.degenerate)
    marked = described(options, flagged)
    assert marked.notes() == ["† Never above majority in its own training: A."]
    write_study_tables(tables, tmp_path, marked)
    assert "A†" in (tmp_path / "transfer.tex").read_text()
    assert "† Never above majority" in (tmp_path / "averages.tex").read_text()
    figure = draw_heatmap(tables["transfer"], marked)
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == [
        *("A†", "B", "baseline")
    ]


def started(starts: list[str], scores: list[float]) -> pd.DataFrame:
    runs = cells("none", "boolq", [0.60, 0.61, 0.62, 0.63])
    for start, run in zip(starts, cells("a", "boolq", list(scores)), strict=True):
        runs.append({**run, "start": start})
    return runs_of(runs)


def test_restarts_of_one_encoder_speak_of_this_encoder() -> None:
    runs = started(["one"] * 4, [0.7, 0.71, 0.72, 0.74])
    row = transfer(runs).iloc[0]
    assert (row["n"], row["n_starts"]) == (4, 1)
    assert row["note"] == ONE_ENCODER
    tables = study_tables(runs, Options(statistics=FEW))
    assert ONE_ENCODER in tables["averages"]["note"].iloc[0]
    marked = described(Options(), flag_degenerate(runs, DegenerateRule()))
    assert marked.notes() == [
        "Restarts share one intermediate encoder, so that results are of this encoder and not "
        "of its task: a."
    ]


def test_the_note_stands_where_degenerate_runs_leave_one_restart_of_the_encoder() -> None:
    row = transfer(started(["one"] * 4, [0.7, 0.3, 0.3, 0.3])).iloc[0]
    assert row["note"] == f"fewer than 2 runs on a side; {ONE_ENCODER}"


def test_of_restarts_that_share_starts_the_starts_are_what_is_counted() -> None:
    scores = [0.70, 0.74, 0.66, 0.68]
    row = transfer(started(["one", "one", "two", "two"], scores)).iloc[0]
    assert (row["n"], row["n_starts"], row["n_restarts"]) == (2, 2, 4)
    base = [0.60, 0.61, 0.62, 0.63]
    assert row["p"] == pytest.approx(stats.ttest_ind([0.72, 0.67], base, equal_var=False).pvalue)
    assert ONE_ENCODER not in row["note"]
