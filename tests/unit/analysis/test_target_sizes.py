"""Curves of benefit against the size of the task's own data, and what they leave alone."""

from __future__ import annotations

import pandas as pd
import pytest
from helpers.read_page import sections
from helpers.synthetic import (
    INTERMEDIATE,
    demo_options,
    demo_records,
    record,
    runs_of,
    sized_runs,
    target_sized_runs,
)
from scipy import stats

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Statistics
from interlude.analysis.pages import render
from interlude.analysis.results import of_full_size
from interlude.analysis.review import review_sections
from interlude.analysis.study_tables import study_tables
from interlude.analysis.target_sizes import COLUMNS, target_sizes

OPTIONS = demo_options(statistics=Statistics(resamples=50))
PLACE = ["role", "task", "source", "train_examples"]
CUT = [("target", "boolq"), ("target", "disfl-qa"), ("probing", "word-content")]


def curves_of(runs: pd.DataFrame) -> pd.DataFrame:
    return target_sizes(flag_degenerate(runs, DegenerateRule()), OPTIONS, filtered=True)


def test_every_task_with_sizes_has_its_points_in_order() -> None:
    curves = curves_of(target_sized_runs())
    assert list(curves) == COLUMNS
    assert list(curves[PLACE].itertuples(index=False, name=None)) == [
        (*task, source, size) for task in CUT for source in INTERMEDIATE for size in (64, 128, 512)
    ]
    assert set(curves["n"]) == {3}


def test_a_point_is_compared_with_the_baseline_of_its_own_size() -> None:
    runs = target_sized_runs()
    for point in curves_of(runs).to_dict("records"):
        size = point["train_examples"]
        of_task = runs[(runs["task"] == point["task"]) & (runs["role"] == point["role"])]
        of_size = of_task[of_task["task_examples"].fillna(512) == size]
        own, base = (
            100 * of_size.loc[of_size["source"] == source, "score"].astype(float)
            for source in (point["source"], "none")
        )
        assert (len(own), len(base)) == (3, 3)
        test = stats.ttest_ind(own, base, equal_var=False)
        interval = test.confidence_interval(0.95)
        actual = [point[name] for name in ("mean", "baseline", "delta", "ci_low", "ci_high", "p")]
        expected = [own.mean(), base.mean(), own.mean() - base.mean(), *interval, test.pvalue]
        assert actual == pytest.approx(expected)


def test_a_point_without_a_baseline_of_its_size_says_so() -> None:
    runs = target_sized_runs()
    size = runs["task_examples"].eq(64).fillna(False)
    lost = size & (runs["source"] == "none") & (runs["task"] == "boolq")
    fewer = runs.assign(status=runs["status"].mask(lost, "missing"), score=runs["score"].mask(lost))
    curves = curves_of(fewer).set_index(["task", "train_examples"]).loc[[("boolq", 64)]]
    assert curves["note"].tolist() == ["no baseline"] * 3
    assert curves[["delta", "p"]].isna().to_numpy().all()


def test_a_source_of_itself_has_no_curve() -> None:
    more = [record("target", "boolq", "boolq", restart, 0.9) for restart in (1, 2, 3)]
    records = [
        *more,
        *demo_records(),
        *(record("target", "none", "boolq", k, 0.4, task_examples=9) for k in (1, 2, 3)),
        *(record("target", "sarcasm", "boolq", k, 0.5, task_examples=9) for k in (1, 2, 3)),
    ]
    trained = [record("intermediate", "none", "boolq", k, 0.5) for k in (1, 2, 3)]
    assert "boolq" not in set(curves_of(runs_of([*trained, *records]))["source"])


def test_reduced_targets_change_no_other_table() -> None:
    cut = study_tables(target_sized_runs(), OPTIONS)
    without = study_tables(runs_of(demo_records()), OPTIONS)
    assert set(cut) - set(without) == {"target_sizes"}
    for name in set(without) - {"costs", "degenerate", "excluded"}:
        pd.testing.assert_frame_equal(cut[name], without[name])
    costs, before = (tables["costs"].set_index("step") for tables in (cut, without))
    assert costs.loc["target", "trainings"] == before.loc["target", "trainings"] + 2 * 2 * 4 * 3


def test_curves_of_either_kind_leave_the_other_alone() -> None:
    sized, cut = sized_runs(), target_sized_runs()
    more = cut[cut["task_examples"].notna()]
    tables = study_tables(pd.concat([sized, more], ignore_index=True), OPTIONS)
    for name, runs in (("size_curves", sized), ("target_sizes", cut)):
        pd.testing.assert_frame_equal(tables[name], study_tables(runs, OPTIONS)[name])


def test_lists_of_runs_and_pages_distinguish_reduced_sizes() -> None:
    runs = target_sized_runs()
    lost = (runs["source"] == "sarcasm") & (runs["task"] == "boolq")
    tables = study_tables(runs.assign(constant=runs["constant"] | lost), OPTIONS)
    by_size = tables["degenerate"].set_index("task_examples")[["source", "n_degenerate", "n_runs"]]
    assert sorted(by_size.index.dropna()) == [64, 128]
    assert by_size.to_numpy().tolist() == [["sarcasm", 3, 3]] * 3
    assert tables["excluded"]["task_examples"].value_counts(dropna=False).tolist() == [3, 3, 3]
    assert "task_examples" not in study_tables(sized_runs(), OPTIONS)["excluded"]
    page = render("Review", review_sections(runs, OPTIONS))
    design = sections(page)["Design"].table.set_index(["step", "arm"])
    tasks = ["BoolQ", "FinanceNER", "DisflQA", "DisflQA (64)", "DisflQA (128)"]
    assert design.loc[("target", "stilts"), "tasks"] == ", ".join(
        [*tasks, "BoolQ (64)", "BoolQ (128)"]
    )
    assert of_full_size(runs)["task_examples"].isna().all()
