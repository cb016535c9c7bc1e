"""Curves of transfer against intermediate size: their points, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from helpers.read_page import sections
from helpers.synthetic import TARGET, demo_options, demo_records, runs_of, sized_runs
from scipy import stats

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Statistics
from interlude.analysis.pages import render
from interlude.analysis.results import of_full_size
from interlude.analysis.review import review_sections
from interlude.analysis.size_curves import COLUMNS, size_curves
from interlude.analysis.study_tables import study_tables, write_study_tables

OPTIONS = demo_options(statistics=Statistics(resamples=50))


def flagged(runs: pd.DataFrame) -> pd.DataFrame:
    return flag_degenerate(runs, DegenerateRule())


def test_every_source_with_sizes_has_its_points_in_order() -> None:
    curves = size_curves(flagged(sized_runs()), OPTIONS, filtered=True)
    assert list(curves) == COLUMNS
    points = curves[["role", "source", "train_examples"]].itertuples(index=False, name=None)
    assert list(points) == [
        (role, source, size)
        for role in ("target", "probing")
        for source in ("sarcasm", "social-iqa")
        for size in (64, 128, 512)
    ]
    assert set(curves["tasks"]) == set(curves["n"]) == {3}


def test_a_point_is_the_mean_over_tasks_with_an_interval() -> None:
    runs = sized_runs()
    curves = size_curves(flagged(runs), OPTIONS, filtered=True)
    point = curves.set_index(["role", "source", "train_examples"]).loc[("target", "sarcasm", 128)]
    scores = runs[runs["task"].isin(TARGET) & (runs["role"] == "target")]
    own = scores[(scores["source"] == "sarcasm") & (scores["examples"] == 128).fillna(False)]
    means = [
        part.groupby("restart")["score"].mean()
        for part in (own, scores[scores["source"] == "none"])
    ]
    own_means, base_means = (100 * mean for mean in means)
    assert point["delta"] == pytest.approx(own_means.mean() - base_means.mean())
    test = stats.ttest_ind(own_means, base_means, equal_var=False)
    assert point["p"] == pytest.approx(test.pvalue)
    interval = test.confidence_interval(0.95)
    assert point[["ci_low", "ci_high"]].tolist() == pytest.approx([interval.low, interval.high])
    assert point["test"] == "Welch t"


def test_a_missing_run_does_not_shift_its_restart() -> None:
    # Without the score of the easiest task a plain mean would fall by points.
    runs = sized_runs()
    of_size = (runs["source"] == "sarcasm") & (runs["examples"] == 128).fillna(False)
    lost = of_size & (runs["task"] == "disfl-qa") & (runs["restart"] == 1)
    assert lost.sum() == 1
    fewer = runs.assign(status=runs["status"].mask(lost, "failed"), score=runs["score"].mask(lost))
    place = ("target", "sarcasm", 128)
    partial, whole = (
        size_curves(flagged(table), OPTIONS, filtered=True)
        .set_index(["role", "source", "train_examples"])
        .loc[place, "delta"]
        for table in (fewer, runs)
    )
    by_cell = []
    for restart in (1, 2, 3):
        part = fewer[of_size & (fewer["restart"] == restart)]
        base = fewer[(fewer["source"] == "none") & (fewer["role"] == "target")]
        own = part[part["role"] == "target"].set_index("task")["score"]
        by_cell.append((own - base.groupby("task")["score"].mean()).mean())
    assert partial == pytest.approx(100 * sum(by_cell) / 3)
    assert partial == pytest.approx(whole, abs=4)


def test_a_point_without_runs_says_so() -> None:
    runs = sized_runs()
    lost = (runs["source"] == "sarcasm") & (runs["examples"] == 64).fillna(False)
    fewer = runs.assign(status=runs["status"].mask(lost, "missing"), score=runs["score"].mask(lost))
    curves = size_curves(flagged(fewer), OPTIONS, filtered=True)
    gone = curves[(curves["source"] == "sarcasm") & (curves["train_examples"] == 64)]
    assert gone["note"].tolist() == ["no runs left"] * 2
    assert gone["delta"].isna().all()
    assert len(curves) == 12


def test_reduced_sizes_change_no_other_table(tmp_path: Path) -> None:
    with_sizes = study_tables(sized_runs(), OPTIONS)
    without = study_tables(runs_of(demo_records()), OPTIONS)
    assert set(with_sizes) - set(without) == {"size_curves"}
    for name in set(without) - {"costs", "degenerate", "excluded"}:
        pd.testing.assert_frame_equal(with_sizes[name], without[name])
    assert with_sizes["costs"].set_index("step").loc["intermediate", "trainings"] == 9 + 12
    write_study_tables(with_sizes, tmp_path, OPTIONS)
    back = pd.read_csv(tmp_path / "size_curves.csv")
    assert back["train_examples"].tolist()[:3] == [64, 128, 512]


def test_a_study_without_sizes_keeps_all_its_runs() -> None:
    runs = runs_of(demo_records())
    pd.testing.assert_frame_equal(of_full_size(runs), runs)


def test_lists_of_runs_distinguish_reduced_sizes() -> None:
    runs = sized_runs()
    lost = (runs["source"] == "sarcasm") & (runs["task"] == "boolq")
    collapsed = runs.assign(constant=runs["constant"] | lost)
    tables = study_tables(collapsed, OPTIONS)
    by_size = tables["degenerate"].set_index("examples")[["source", "n_degenerate", "n_runs"]]
    assert sorted(by_size.index.dropna()) == [64, 128]
    assert by_size.to_numpy().tolist() == [["sarcasm", 3, 3]] * 3
    assert tables["excluded"]["examples"].value_counts(dropna=False).tolist() == [3, 3, 3]
    assert "examples" not in study_tables(runs_of(demo_records()), OPTIONS)["excluded"]


def test_the_reviewers_page_names_reduced_sizes() -> None:
    page = render("Review", review_sections(sized_runs(), OPTIONS))
    design = sections(page)["Design"].table.set_index(["step", "arm"])
    tasks = ["Sarcasm", "SocialIQA", "PrivacyQA"]
    sizes = ["Sarcasm (64)", "Sarcasm (128)", "SocialIQA (64)", "SocialIQA (128)"]
    assert design.loc[("intermediate", "stilts"), "tasks"] == ", ".join(tasks + sizes)
    counts = design.loc[("target", "stilts"), ["runs", "restarts", "sources"]]
    assert counts.tolist() == ["63", "3", "7"]
