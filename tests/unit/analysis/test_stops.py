"""Cells that are stopped once they are known: the rule, and what tables say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import record, runs_of
from scipy import stats

from interlude.analysis.averages import average_table
from interlude.analysis.decisions import LOOK, read_stopped
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options, Statistics
from interlude.analysis.results import of_common_restarts
from interlude.analysis.stops import look, why_known
from interlude.analysis.study_tables import study_tables
from interlude.analysis.study_warnings import study_warnings
from interlude.analysis.tables import write_csv
from interlude.analysis.transfer import cell_scores, transfer_table
from interlude.errors import InputError
from interlude.figures.heatmap import draw_heatmap
from interlude.figures.labels import signed
from interlude.words import Contrast

SOURCES, TASKS = ["mnli", "qqp", "ccg"], ["rte", "copa"]
EFFECTS = {"mnli": 20.0, "qqp": 0.0, "ccg": 1.0}  # points; restarts have a spread of 1
OPTIONS = Options(statistics=Statistics(resamples=100))


def records(restarts: int = 10, **of_all: Any) -> list[dict[str, Any]]:
    noise = np.random.default_rng(5)
    rows = [
        record("target", source, task, restart, 0.6 + (shift + noise.normal()) / 100, **of_all)
        for source, shift in {"none": 0.0, **EFFECTS}.items()
        for task in TASKS
        for restart in range(1, restarts + 1)
    ]
    first = [
        record("intermediate", "none", source, restart, 0.7, **of_all)
        for source in SOURCES
        for restart in range(1, restarts + 1)
    ]
    return rows + first


def flagged(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return flag_degenerate(runs_of(rows), OPTIONS.degenerate)


def scores_of(runs: pd.DataFrame, source: str, task: str, restarts: int) -> np.ndarray:
    own = runs[(runs["source"] == source) & (runs["task"] == task)]
    return 100 * own.loc[own["restart"] <= restarts, "score"].to_numpy()


def test_a_look_is_welchs_interval_of_as_many_restarts_on_both_sides() -> None:
    runs = flagged(records())
    decisions = look(runs, OPTIONS, 3).set_index(["source", "task"])
    assert len(decisions) == 6
    assert decisions["level"].unique() == pytest.approx([0.1 * 0.05 / 6])
    for (source, task), row in decisions.iterrows():
        sides = (scores_of(runs, name, task, 3) for name in (source, "none"))
        test = stats.ttest_ind(*sides, equal_var=False)
        low, high = test.confidence_interval(1 - 0.1 * 0.05 / 6)
        assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
        assert (row["stopped"] == "differs") == (test.pvalue < 0.1 * 0.05 / 6)


def test_what_differs_is_stopped_and_what_is_near_nothing_only_with_a_margin() -> None:
    runs = flagged(records())
    assert set(look(runs, OPTIONS, 10).query("stopped == 'differs'")["source"]) == {"mnli"}
    decisions = look(runs, OPTIONS, 10, negligible=8.0)
    assert dict(zip(decisions["source"], decisions["stopped"], strict=True)) == {
        "mnli": "differs",
        "qqp": "negligible",
        "ccg": "negligible",
    }
    nan = float("nan")
    reasons = [why_known(*each) for each in [(0.1, 2, 3), (-2, -0.1, None), (-1, 2, 3), (-1, 2, 2)]]
    assert reasons == ["differs", "differs", "negligible", ""]
    assert why_known(nan, nan, 3) == ""


def test_a_cell_in_two_contrasts_is_stopped_once_both_are_known() -> None:
    rows = records()
    chained = [{**row, "arm": "other"} for row in rows if row["source"] == "none"]
    near = [{**row, "score": row["score"] + 0.2} for row in chained if row["role"] == "target"]
    contrasts = (Contrast("stilts", "single"), Contrast("stilts", "other"))
    options = Options(contrasts=contrasts, statistics=OPTIONS.statistics)
    decisions = look(flagged([*rows, *near]), options, 10).set_index(["source", "against"])
    assert set(decisions.loc[("mnli", "single"), "stopped"]) == {""}  # as good as the other arm
    assert decisions.loc[("mnli", "single"), "low"].min() > 0
    assert set(decisions.loc[("ccg", "other"), "stopped"]) == {""}
    assert decisions["level"].tolist() == pytest.approx([0.1 * 0.05 / 6] * 12)


def test_an_arm_that_is_compared_with_is_not_looked_at() -> None:
    rows = records()
    mixed = [{**row, "arm": "mtl"} for row in rows if row["source"] != "none"]
    contrasts = (Contrast("stilts", "single"), Contrast("mtl", "stilts"))
    options = Options(contrasts=contrasts, statistics=OPTIONS.statistics)
    decisions = look(flagged([*rows, *mixed]), options, 3)
    assert set(decisions["arm"]) == {"mtl"}
    assert decisions["delta"].abs().max() < 1e-9  # compared with the same source


def test_those_stopped_before_count_in_the_level_and_are_not_looked_at_again() -> None:
    before = [("stilts", "target", "mnli", task) for task in TASKS]
    decisions = look(flagged(records()), OPTIONS, 5, stopped=before)
    assert set(decisions["source"]) == {"qqp", "ccg"}
    assert decisions["level"].unique() == pytest.approx([0.1 * 0.05 / 6])
    every = [("stilts", "target", source, task) for source in SOURCES for task in TASKS]
    assert list(look(flagged(records()), OPTIONS, 5, stopped=every)) == list(LOOK)


def test_failed_and_degenerate_runs_count_as_in_what_sources_are_ranked_by() -> None:
    rows = records()
    for row in rows:
        if row["source"] == "mnli" and row["role"] == "target":
            row.update(score=0.2 + row["restart"] / 1e4, constant=True)
    assert set(look(flagged(rows), OPTIONS, 3).query("source == 'mnli'")["stopped"]) == {"differs"}
    success = Options(statistics=Statistics(ranking="given success"))
    assert look(flagged(rows), success, 3).query("source == 'mnli'")["low"].isna().all()


def test_a_decision_is_read_as_it_was_written_and_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.csv"
    write_csv(look(flagged(records()), OPTIONS, 10), path)
    assert read_stopped(path) == {
        ("stilts", "target", "mnli", task): (10, "differs") for task in TASKS
    }
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0])
    assert read_stopped(path) == {}
    for text in ("", "arm,role\n", lines[0] + lines[1][:20] + "\n", lines[0] + "," * 11 + "\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"1\.csv: not a whole decision. Delete it"):
            read_stopped(path)


@pytest.fixture(scope="module")
def stopped() -> pd.DataFrame:
    """Runs of ten restarts, but for those from mnli on rte, which were stopped after three."""
    rows = [
        {**row, "stopped": "differs"} if (row["source"], row["task"]) == ("mnli", "rte") else row
        for row in records()
    ]
    return flagged([row for row in rows if "stopped" not in row or row["restart"] <= 3])


def test_means_over_cells_are_of_the_restarts_that_all_cells_have(stopped: pd.DataFrame) -> None:
    even = of_common_restarts(stopped)
    target = even[even["role"] == "target"].groupby(["arm", "source", "task"])["restart"].max()
    assert set(target["stilts"]) == {3}
    assert set(target["single"]) == {10}
    assert (even["role"] == "intermediate").sum() == 30
    assert of_common_restarts(flagged(records())).equals(flagged(records()))
    tables = study_tables(stopped, OPTIONS)
    averages = tables["averages"].set_index("source")
    for source in SOURCES:
        deltas = [
            scores_of(stopped, source, task, 3).mean() - scores_of(stopped, "none", task, 10).mean()
            for task in TASKS
        ]
        assert averages.loc[source, "delta"] == pytest.approx(np.mean(deltas))
        assert averages.loc[source, "n"] == 3
        pooled = tables["pooled"].set_index("source").loc[source, "delta"]
        assert pooled == pytest.approx(np.mean(deltas))
    # The results of the cells' own tests count.
    cells = transfer_table(stopped, OPTIONS, True)
    sure = cells[(cells["p_holm"] < 0.05) & (cells["delta"] > 0)].groupby("source").size()
    assert averages["improved"].to_dict() == {name: sure.get(name, 0) for name in averages.index}


def test_the_transfer_table_says_what_was_stopped_and_uses_all_restarts_of_a_cell(
    stopped: pd.DataFrame,
) -> None:
    table = transfer_table(stopped, OPTIONS, filtered=True).set_index(["source", "task"])
    assert table["stopped"].to_dict() == {
        (source, task): "differs" * ((source, task) == ("mnli", "rte"))
        for source in SOURCES
        for task in TASKS
    }
    assert table.loc[("mnli", "rte"), ["n", "n_planned", "baseline_n"]].tolist() == [3, 3, 10]
    assert table.loc[("ccg", "rte"), "n"] == 10
    for source, task in table.index:
        own, base = scores_of(stopped, source, task, 3), scores_of(stopped, "none", task, 10)
        delta = table.loc[(source, task), "delta_common"]
        assert delta == pytest.approx(own.mean() - base.mean())
    assert "stopped" not in transfer_table(flagged(records()), OPTIONS, filtered=True)


def test_the_answer_warns_of_cells_that_were_stopped(stopped: pd.DataFrame) -> None:
    tables = study_tables(stopped, OPTIONS)
    (sentence,) = [
        each
        for each in study_warnings(
            stopped,
            pd.DataFrame(columns=["device", "precision", "model_revision", "versions"]),
            tables,
            OPTIONS,
        )
        if "stopped" in each
    ]
    assert sentence.startswith(
        "1 of 6 cells were stopped before their last restart (known to differ: 1)"
    )
    assert "measured too far from 0" in sentence


def test_the_heatmap_underlines_them_and_averages_what_all_cells_have(
    stopped: pd.DataFrame,
) -> None:
    table = transfer_table(stopped, OPTIONS, filtered=True)
    figure = draw_heatmap(table, OPTIONS)
    (axes,) = [each for each in figure.axes if each.lines]
    lines = [line for line in axes.lines if line.get_marker() == "_"]
    assert len(lines) == 1
    below = figure.get_supxlabel()
    assert "underlined: stopped early, once known" in below
    shown = [text.get_text() for text in axes.texts]
    for source in SOURCES:
        mean = table.loc[table["source"] == source, "delta_common"].mean()
        assert signed(mean) in shown[2 * 4 :]


def test_averages_without_stops_are_what_they_were() -> None:
    runs = flagged(records())
    transfer = transfer_table(runs, OPTIONS, True)
    own = average_table(transfer, cell_scores(runs, True), OPTIONS)
    pd.testing.assert_frame_equal(study_tables(runs, OPTIONS)["averages"], own)
