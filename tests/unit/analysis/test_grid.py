"""Tables of a study with a grid: points are settings, restarts are repetitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.grids import POINTS, grid_runs
from helpers.synthetic import TARGET, demo_options, demo_runs, sized_runs
from scipy import stats

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.differences import NO_POINT, ONE_AT_EACH
from interlude.analysis.options import Statistics
from interlude.analysis.size_curves import size_curves
from interlude.analysis.study_tables import study_tables
from interlude.analysis.transfer import OF_GRID, ONE_ENCODER, transfer_table

OPTIONS = demo_options(statistics=Statistics(resamples=100))


def transfer(runs: pd.DataFrame, filtered: bool = True, **levels: Any) -> pd.DataFrame:
    options = replace(OPTIONS, statistics=Statistics(**levels))
    table = transfer_table(flag_degenerate(runs, options.degenerate), options, filtered)
    return table.set_index(["source", "task"])


def by_hand(runs: pd.DataFrame, source: str, task: str) -> dict[str, float]:
    """The difference within points and Welch's test of it, in points, by plain loops."""
    sides = []
    for name in (source, "none"):
        own = runs[(runs["role"] == "target") & (runs["source"] == name) & (runs["task"] == task)]
        by_point = [
            list(100 * own.loc[own["point"] == point, "score"].dropna()) for point in POINTS
        ]
        squares = sum(sum((x - np.mean(at)) ** 2 for x in at) for at in by_point)
        degrees = sum(len(at) - 1 for at in by_point)
        variance = squares / degrees * sum(1 / len(at) for at in by_point) / len(by_point) ** 2
        sides.append((np.mean([np.mean(at) for at in by_point]), variance, degrees))
    (mean, one, df), (baseline, other, df_baseline) = sides
    freedom = (one + other) ** 2 / (one**2 / df + other**2 / df_baseline)
    error = np.sqrt(one + other)
    reach = stats.t.ppf(0.975, freedom) * error
    delta = mean - baseline
    return {
        "mean": mean,
        "baseline": baseline,
        "delta": delta,
        "ci_low": delta - reach,
        "ci_high": delta + reach,
        "p": 2 * stats.t.sf(abs(delta) / error, freedom),
        "df": df,
        "baseline_df": df_baseline,
    }


def test_a_difference_is_estimated_within_points() -> None:
    """Also of a cell that lacks a run at one of its points."""
    runs = grid_runs()
    table = transfer(runs)
    for source, task in table.index:
        row = table.loc[(source, task)]
        expected = by_hand(runs, source, task)
        assert row[list(expected)].tolist() == pytest.approx(list(expected.values()))
        assert row["points"] == len(POINTS)
    cut = table.loc["sarcasm", TARGET[0]]
    assert (cut["n"], cut["df"], cut["baseline_df"]) == (7, 3, 4)
    assert cut["sd"] ** 2 / cut["n_effective"] == pytest.approx(cut["sd"] ** 2 * 2.5 / 16)


def test_what_points_do_is_no_noise() -> None:
    runs = grid_runs()
    plain = runs["score"] - runs["point"].map({1: -0.02, 2: 0.0, 3: 0.05, 4: -0.06}).fillna(0)
    columns = ["delta", "ci_low", "ci_high", "p", "sd", "task_sd", "detectable"]
    same, shifted = (
        transfer(each)[columns].to_numpy() for each in (runs, runs.assign(score=plain))
    )
    np.testing.assert_allclose(same, shifted)


def test_a_point_that_one_side_lacks_is_left_out_of_the_difference() -> None:
    """Else the settings would make the difference."""
    runs = grid_runs()
    hard = (runs["source"] == "social-iqa") & (runs["task"] == TARGET[1]) & (runs["point"] == 4)
    cut = runs.assign(status=runs["status"].mask(hard, "failed"), score=runs["score"].mask(hard))
    row = transfer(cut).loc["social-iqa", TARGET[1]]
    both = runs[runs["point"].isna() | (runs["point"] < 4)]
    expected = transfer(both).loc["social-iqa", TARGET[1]]
    columns = ["delta", "ci_low", "ci_high", "p", "delta_all_outcomes"]
    assert row[columns].tolist() == pytest.approx(expected[columns].tolist())
    assert row["points"] == 3
    assert row["baseline"] == transfer(runs).loc["social-iqa", TARGET[1]]["baseline"]


def test_without_a_common_point_there_is_no_difference() -> None:
    runs = grid_runs()
    early, baseline = runs["point"] < 3, runs["source"] == "none"
    lost = (runs["role"] == "target") & (early == baseline)
    cut = runs.assign(status=runs["status"].mask(lost, "failed"), score=runs["score"].mask(lost))
    table = transfer(cut)
    assert table["delta"].isna().all()
    assert table["note"].str.startswith(NO_POINT).all()


def test_one_run_at_each_point_has_a_difference_and_no_test() -> None:
    table = transfer(grid_runs(restarts=(1,)))
    assert table["delta"].notna().all()
    assert table["p"].isna().all()
    assert table["note"].str.startswith(ONE_AT_EACH).all()


def test_trials_of_a_start_of_their_own_restart_are_no_independent_ones() -> None:
    """Each restart's encoder counts once: the mean over its points."""
    runs = grid_runs(once=False, restarts=(1, 2, 3))
    runs = runs[runs["status"] == "ok"]
    table = transfer(runs)
    own = runs[(runs["source"] == "social-iqa") & (runs["task"] == TARGET[2])]
    means = 100 * own.groupby("restart")["score"].mean()
    row = table.loc["social-iqa", TARGET[2]]
    assert (row["n"], row["n_starts"], row["n_restarts"]) == (3, 3, 12)
    assert row["sd"] == pytest.approx(means.std())
    assert row["df"] == 2
    assert row["baseline_df"] == 8
    assert not table["note"].str.contains(ONE_ENCODER).any()
    once = transfer(grid_runs(once=True))
    assert once["note"].str.contains(ONE_ENCODER, regex=False).all()


def test_pairs_are_of_the_same_point_and_seed() -> None:
    runs = grid_runs()
    row = transfer(runs, paired=True).loc["social-iqa", TARGET[1]]
    wide = runs[runs["task"] == TARGET[1]].pivot_table(
        index=["point", "restart"], columns="source", values="score"
    )
    pairs = 100 * (wide["social-iqa"] - wide["none"])
    within = pairs - pairs.groupby("point").transform("mean")
    error = np.sqrt((within**2).sum() / 4 / 8)
    assert row["test"] == "paired t"
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(pairs.mean()) / error, 4))


def test_a_grid_of_one_point_is_no_grid() -> None:
    """In every table, number by number."""
    plain, options = demo_runs(), OPTIONS
    point = pd.Series(1, plain.index, dtype="Int64").where(plain["role"] != "intermediate")
    without, of_grid = (study_tables(runs, options) for runs in (plain, plain.assign(point=point)))
    assert set(without) <= set(of_grid)
    for name, expected in without.items():
        added = {"excluded": ["point"]}.get(name, OF_GRID)
        table = of_grid[name].drop(columns=added, errors="ignore")
        if name == "transfer":
            assert list(of_grid[name])[-len(OF_GRID) - 4 : -4] == OF_GRID
        pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    sized = flag_degenerate(sized_runs(), options.degenerate)
    curves = [size_curves(runs, options, filtered=True) for runs in (sized, sized.assign(point=1))]
    pd.testing.assert_frame_equal(*curves)


def test_averages_are_over_trials_within_points() -> None:
    runs = grid_runs()
    row = study_tables(runs, OPTIONS)["averages"].set_index("source").loc["social-iqa"]
    wide = runs[runs["role"] == "target"].pivot_table(
        index=["source", "point", "restart"], columns="task", values="score"
    )
    means = 100 * wide.mean(axis="columns")
    parts = []
    for source in ("social-iqa", "none"):
        own = means.loc[source]
        within = own - own.groupby("point").transform("mean")
        parts.append((within**2).sum() / 4 / 8)
    freedom = sum(parts) ** 2 / sum(part**2 / 4 for part in parts)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(sum(parts))
    delta = means.loc["social-iqa"].mean() - means.loc["none"].mean()
    assert row["delta"] == pytest.approx(delta)
    assert row[["fixed_low", "fixed_high"]].tolist() == pytest.approx(
        [delta - reach, delta + reach]
    )


def test_an_encoder_has_one_score_on_a_task_and_none_without_all_points() -> None:
    tables = study_tables(grid_runs(), OPTIONS)
    pairs = tables["correlations_all"].set_index(["task_a", "task_b"])["n"]
    assert pairs.loc[TARGET[1], TARGET[2]] == 6  # three sources in two restarts
    assert pairs.loc[TARGET[0], TARGET[2]] == 5
