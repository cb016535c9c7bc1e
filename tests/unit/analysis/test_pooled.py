"""The estimate over tasks: the published target block, and what it says where little is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import demo_options, demo_runs, record, runs_of

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Statistics
from interlude.analysis.pooled import ASSUMED, NO_SPREAD, TOO_FEW, pooled_tables
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import joined
from interlude.analysis.spread import task_variances
from interlude.analysis.study_tables import study_tables
from interlude.analysis.tables import printed
from interlude.analysis.transfer import ONE_ENCODER, UNLEARNED, transfer_table

REFERENCE = Path(__file__).parents[3] / "reference"
# source: mean difference, mu, its interval, tau, interval of a new task, P(new > 0), by code of
# another author for the same model.
PUBLISHED = {
    "QAMR": (-1.79, -2.16, -3.96, -0.20, 2.03, -7.05, 2.94, 0.15),
    "CSenseQA": (1.88, 1.57, -0.97, 4.35, 3.38, -6.19, 9.61, 0.68),
    "SciTail": (0.17, -0.21, -2.15, 2.13, 2.30, -5.80, 5.87, 0.43),
    "CosmosQA": (2.60, 1.87, -0.17, 4.49, 2.63, -4.33, 8.80, 0.77),
    "SocialIQA": (-7.93, -7.51, -11.74, -3.53, 5.53, -20.35, 5.05, 0.10),
    "CCG": (-9.90, -9.85, -14.44, -5.26, 6.37, -24.19, 4.49, 0.07),
    "HellaSwag": (2.02, 1.49, -0.29, 3.79, 2.14, -3.87, 7.47, 0.78),
    "QA-SRL": (-1.31, -1.69, -4.28, 1.17, 3.43, -9.60, 6.53, 0.30),
    "SST-2": (-0.38, -0.05, -1.20, 1.10, 0.79, -2.51, 2.41, 0.47),
    "QQP": (-7.14, -6.80, -13.25, -0.57, 9.14, -27.43, 13.60, 0.22),
    "MNLI": (0.65, -0.06, -1.71, 1.89, 1.79, -4.46, 4.73, 0.46),
}
SPREADS = {
    **{"CB": 4.263, "COPA": 2.640, "WSC": 4.005, "RTE": 3.767, "MultiRC": 4.254, "WiC": 3.920},
    **{"BoolQ": 1.133, "CSenseQA": 1.072, "CosmosQA": 0.850, "ReCoRD": 1.931},
}
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def transfers() -> dict[bool, pd.DataFrame]:
    """The published transfer table, by whether it is filtered."""
    runs = joined(*published_tables(load_published(REFERENCE), "published"))
    flagged = flag_degenerate(runs, DegenerateRule(margin=0.01))
    return {filtered: transfer_table(flagged, Options(), filtered) for filtered in (False, True)}


@pytest.fixture(scope="module")
def published(transfers: dict[bool, pd.DataFrame]) -> dict[bool, Tables]:
    return {filtered: pooled_tables(table, 0.05) for filtered, table in transfers.items()}


def row(role: str, source: str, task: str, delta: float, **more: object) -> dict[str, object]:
    """A row of a transfer table: 3 restarts against 3, with a spread of 1 point."""
    known = {"sd": 1.0, "n": 3, "baseline_sd": 1.0, "baseline_n": 3, "note": ""}
    known |= {"arm": "stilts", "against": "single", "baseline_source": "none"}
    return {"role": role, "source": source, "task": task, "delta": delta, **known, **more}


def test_published_targets(published: dict[bool, Tables]) -> None:
    pooled = published[False]["pooled"].query("role == 'target'").set_index("source")
    columns = ["delta", "mu", "ci_low", "ci_high", "tau", "new_low", "new_high"]
    for source, (*expected, gains) in PUBLISHED.items():
        assert pooled.loc[source, columns].tolist() == pytest.approx(expected, abs=0.02), source
        assert pooled.loc[source, "p_new"] == pytest.approx(gains, abs=0.01), source
    assert set(pooled["prior"]) == {"flat"}
    assert set(pooled["tasks"]) == {10}
    assert pooled["mu"].is_monotonic_decreasing


def test_published_cells(published: dict[bool, Tables]) -> None:
    cells = published[False]["pooled_cells"].set_index(["source", "task"])
    numbers = ["delta", "pooled", "ci_low", "ci_high"]
    measured = cells.loc[("CosmosQA", "MultiRC"), numbers].tolist()
    assert measured == pytest.approx([10.10, 5.06, 0.43, 11.02], abs=0.02)
    measured = cells.loc[("CosmosQA", "COPA"), numbers].tolist()
    assert measured == pytest.approx([6.00, 3.98, 0.41, 8.10], abs=0.02)
    measured = cells.loc[("QAMR", "CSenseQA"), numbers].tolist()
    assert measured == pytest.approx([-4.73, -4.11, -5.97, -2.30], abs=0.02)
    assert cells.loc[("QAMR", "RTE"), "pooled"] == pytest.approx(-1.24, abs=0.02)


@pytest.mark.parametrize(
    ("filtered", "role", "clear", "known"),
    [(False, "target", 35, 110), (True, "target", 38, 108), (True, "probing", 44, 246)],
)
def test_published_cells_whose_interval_leaves_zero(
    published: dict[bool, Tables], filtered: bool, role: str, clear: int, known: int
) -> None:
    cells = published[filtered]["pooled_cells"].query("role == @role")
    assert ((cells["ci_low"] > 0) | (cells["ci_high"] < 0)).sum() == clear
    assert cells["pooled"].notna().sum() == known


def test_published_spreads_of_tasks(transfers: dict[bool, pd.DataFrame]) -> None:
    table = transfers[False]
    spread = np.sqrt(task_variances(table)).set_axis(
        pd.MultiIndex.from_frame(table[["role", "task"]])
    )
    for task, expected in SPREADS.items():
        assert spread["target", task].iloc[0] == pytest.approx(expected, abs=0.001)


def test_a_baseline_known_as_a_mean_is_marked_as_an_assumption(
    published: dict[bool, Tables],
) -> None:
    for table in ("pooled", "pooled_cells"):
        notes = published[False][table].groupby("role")["note"].agg(set).to_dict()
        assert notes == {"target": {ASSUMED}, "probing": {""}}


def test_a_source_with_one_task_cannot_be_estimated() -> None:
    transfer = pd.DataFrame([row("target", "a", "x", 3.0)])
    tables = pooled_tables(transfer, 0.05)
    (only,) = tables["pooled"].to_dict("records")
    assert only["note"] == TOO_FEW
    assert only["tasks"] == 1
    assert np.isnan([only["mu"], only["tau"], only["p_new"]]).all()
    assert tables["pooled_cells"]["note"].tolist() == [TOO_FEW]
    assert tables["pooled_cells"]["pooled"].isna().all()


def test_cells_without_a_difference_or_a_spread_are_left_out() -> None:
    none = {"sd": np.nan, "n": 1, "baseline_sd": np.nan, "baseline_n": 1}
    transfer = pd.DataFrame(
        [
            row("target", "a", "x", 3.0),
            row("target", "a", "y", 1.0),
            row("target", "a", "once", 5.0, **none),
            row("target", "a", "still", 5.0, sd=0.0, baseline_sd=0.0),
            row("target", "a", "lost", np.nan, sd=np.nan, n=0, note="no runs left"),
        ]
    )
    tables = pooled_tables(transfer, 0.05)
    assert tables["pooled"]["tasks"].tolist() == [2]
    cells = tables["pooled_cells"].set_index("task")
    assert cells["note"].to_dict() == {
        **{"x": "", "y": "", "once": NO_SPREAD, "still": NO_SPREAD, "lost": "no runs left"}
    }
    assert cells["pooled"].notna().tolist() == [True, True, False, False, False]


def test_one_restart_of_a_cell_takes_the_spread_of_its_task() -> None:
    rows = [row("target", source, task, 1.0) for source in "ab" for task in "xy"]
    rows[0] |= {"sd": np.nan, "n": 1}
    cells = pooled_tables(pd.DataFrame(rows), 0.05)["pooled_cells"]
    assert cells["pooled"].notna().all()
    width = cells["ci_high"] - cells["ci_low"]
    assert width[0] > width[1]


def test_runs_of_other_tasks_change_a_cell_only_through_its_source() -> None:
    rows = [row("target", source, task, 1.0) for source in "ab" for task in "xyz"]
    other = [{**each, "delta": -9.0} if each["source"] == "b" else each for each in rows]
    one, two = (pooled_tables(pd.DataFrame(each), 0.05)["pooled"] for each in (rows, other))
    pd.testing.assert_frame_equal(one.query("source == 'a'"), two.query("source == 'a'"))


def test_one_encoder_and_a_source_that_did_not_learn_are_noted() -> None:
    rows = [row("target", "a", task, 1.0, note=ONE_ENCODER) for task in "xy"]
    rows += [row("target", "b", task, 1.0, note=UNLEARNED) for task in "xy"]
    rows += [row("target", "b", "z", np.nan, n=0, note=f"no runs left; {UNLEARNED}")]
    tables = pooled_tables(pd.DataFrame(rows), 0.05)
    notes = tables["pooled"].set_index("source")["note"].to_dict()
    assert notes == {"a": ONE_ENCODER, "b": UNLEARNED}
    cells = tables["pooled_cells"]["note"].tolist()
    assert cells == [*[ONE_ENCODER] * 2, *[UNLEARNED] * 2, f"no runs left; {UNLEARNED}"]


def test_sources_are_ranked_by_the_outcomes_that_the_config_says() -> None:
    """Of a source most of whose runs failed, the few good ones make it the best given success."""
    runs = runs_of(
        record("target", source, task, restart, good - (0.3 if source == failing else 0.0), **more)
        for task, level in (("boolq", 0.7), ("copa", 0.6), ("rte", 0.65))
        for source, gain in (("none", 0.0), ("mnli", 0.03), ("sst", 0.08))
        for restart, noise in ((1, -0.004), (2, 0.001), (3, 0.003), (4, 0.0))
        for failing in ("sst" if restart > 2 else "",)
        for good in (level + gain + noise * (1 + level),)
        for more in ({"constant": source == failing},)
    )
    ranked = {}
    for ranking in ("all outcomes", "given success"):
        tables = study_tables(runs, Options(statistics=Statistics(ranking=ranking, resamples=100)))
        for name in ("pooled", "pooled_unfiltered"):
            pooled = tables[name]
            assert pooled["rank"].tolist() == [1, 2]
            ranked[ranking, name] = pooled["source"].tolist()
    assert ranked["all outcomes", "pooled"] == ranked["all outcomes", "pooled_unfiltered"]
    assert ranked["all outcomes", "pooled"] == ["mnli", "sst"]
    assert ranked["given success", "pooled"] == ranked["given success", "pooled_unfiltered"]
    assert ranked["given success", "pooled"] == ["sst", "mnli"]


def test_an_empty_study_has_empty_tables() -> None:
    tables = study_tables(demo_runs().iloc[:9], demo_options())
    for name in ("pooled", "pooled_cells", "pooled_unfiltered", "pooled_cells_unfiltered"):
        assert tables[name].empty
        assert {"source", "role", "ci_low", "note"} <= set(tables[name])


def test_latex_has_intervals_and_what_cannot_be_estimated_is_empty() -> None:
    rows = [row("target", "sarcasm", "x", 3.0), row("target", "sarcasm", "y", 1.0)]
    rows += [row("target", "social-iqa", "x", 3.0)]
    tables = pooled_tables(pd.DataFrame(rows), 0.05)
    shown = printed("pooled_unfiltered", tables["pooled"], demo_options())
    assert shown["source"].tolist() == ["Sarcasm", "SocialIQA"]
    mu, low, high = tables["pooled"].loc[0, ["mu", "ci_low", "ci_high"]]
    assert shown["mean effect"][0] == f"{mu:+.1f} [{low:+.1f}, {high:+.1f}]"
    assert pd.isna(shown["mean effect"][1])
    cells = printed("pooled_cells", tables["pooled_cells"], demo_options())
    mean, low, high = tables["pooled_cells"].loc[1, ["pooled", "ci_low", "ci_high"]]
    assert cells.loc[1, "Sarcasm"] == f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
    assert pd.isna(cells.loc[0, "SocialIQA"])
