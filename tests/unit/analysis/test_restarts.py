"""How many restarts are needed: against known values, a simulation, and where little is known."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import TARGET, demo_options, demo_records, demo_runs, runs_of
from scipy import stats

from interlude.analysis.restarts import AVERAGE, LONE, needed
from interlude.analysis.study_tables import study_tables


# Restarts for 2 points, by Student's test: of Welch's, the same or one more.
@pytest.mark.parametrize(
    ("sd", "alone", "of_110"), [(1.12, 7, 16), (1.60, 12, 28), (2.91, 35, 84), (4.35, 76, 183)]
)
def test_restarts_for_two_points(sd: float, alone: int, of_110: int) -> None:
    assert needed(sd, 2, 0.05, 0.8) == pytest.approx(alone, abs=1)
    assert needed(sd, 2, 0.05 / 110, 0.8) == pytest.approx(of_110, abs=1)


def test_the_quadrature_and_the_approximation_meet() -> None:
    sds = np.linspace(2.6, 2.9, 9)
    counts = [needed(sd, 2, 0.05, 0.8) for sd in sds]
    assert min(counts) < 30 < max(counts)
    assert counts == pytest.approx([2 * (2.8016 * sd / 2) ** 2 + 1 for sd in sds], abs=1)


def test_so_many_restarts_find_it() -> None:
    sd, n = 1.3, needed(1.3, 2, 0.05, 0.8)
    draws = np.random.default_rng(0).normal(0, sd, (2, n, 4000))
    significant = stats.ttest_ind(draws[0] + 2, draws[1], equal_var=False).pvalue < 0.05
    assert 0.78 < significant.mean() < 0.86
    assert needed(0.001, 2, 0.05, 0.8) == 2


@pytest.fixture(scope="module")
def demo() -> pd.DataFrame:
    return study_tables(runs_of(demo_records()), demo_options())["restarts"]


def test_a_row_per_task_and_level_and_one_for_averages(demo: pd.DataFrame) -> None:
    targets = demo[demo["role"] == "target"]
    assert targets["task"].drop_duplicates().tolist() == [*TARGET, AVERAGE]
    of_task = targets[targets["task"] == "boolq"]
    assert of_task["level"].tolist() == [LONE, "first of 9 (Holm)"]
    average = targets[targets["task"] == AVERAGE]
    assert average["level"].tolist() == [LONE, "first of 3 (Holm)"]
    assert (of_task["found_3"] > of_task["found_5"]).all()
    assert of_task["needed_1"].iloc[0] > of_task["needed_2"].iloc[0]
    assert of_task["needed_2"].iloc[1] > of_task["needed_2"].iloc[0]


def test_the_spread_of_an_average_is_that_of_the_restarts_means(demo: pd.DataFrame) -> None:
    runs = runs_of(demo_records()).query("role == 'target' and source != 'none'")
    means = runs.groupby(["source", "restart"])["score"].mean()
    variances = means.groupby("source").var(ddof=1)
    shown = demo.loc[(demo["task"] == AVERAGE) & (demo["role"] == "target"), "sd"]
    assert shown.tolist() == pytest.approx([100 * math.sqrt(variances.mean())] * 2)


def test_where_examples_vary_more_restarts_do_not_pay() -> None:
    variances = {"boolq": 0.01, "disfl-qa": 0.0001}
    records = [
        {**each, "example_var": {"single": variances[each["task"]]}}
        if each["task"] in variances
        else each
        for each in demo_records()
    ]
    table = study_tables(runs_of(records), demo_options())["restarts"]
    by_task = table[table["level"] == LONE].set_index("task")
    assert by_task.loc["boolq", "example_sd"] == pytest.approx(10)
    assert by_task.loc["boolq", "pays_to"] == 1
    assert by_task.loc["boolq", "note"].startswith("one restart varies less than the examples do")
    sd = by_task.loc["disfl-qa", "sd"]
    assert by_task.loc["disfl-qa", "pays_to"] == math.ceil(2 * sd**2)
    assert by_task.loc["finance-ner", "note"] == "example noise not known"
    assert pd.isna(by_task.loc["finance-ner", "pays_to"])


def test_without_a_spread_of_restarts_nothing_is_estimated() -> None:
    runs = demo_runs()
    flat = runs.assign(score=runs["score"].where(runs["role"] != "target", 0.6))
    once = runs[runs["restart"] == 1]
    for case in (flat, once):
        table = study_tables(case, demo_options())["restarts"]
        of_targets = table[table["role"] == "target"]
        assert set(of_targets["note"]) == {"cannot be estimated: restarts of no source differ"}
        assert of_targets[["found_3", "needed_1", "pays_to"]].isna().all(axis=None)


def test_without_sources_the_table_is_empty() -> None:
    tables = study_tables(demo_runs().iloc[:9], demo_options())
    assert tables["restarts"].empty


def test_the_plan_prints_it_once_there_are_restarts(capsys: pytest.CaptureFixture[str]) -> None:
    script = Path(__file__).parents[3] / "workflow/scripts/plan_costs.py"
    show = runpy.run_path(str(script))["show_restarts"]
    show(demo_runs().assign(status="missing", score=math.nan), demo_options())
    assert capsys.readouterr().out == ""
    show(demo_runs(), demo_options())
    title, head, *rows, note = capsys.readouterr().out.strip().splitlines()
    assert "level 0.05, power 0.8" in title
    assert head.split()[-2:] == ["needed_1", "needed_2"]
    assert len(rows) == 2 * (3 + 1)
    assert "tables/restarts.csv" in note
