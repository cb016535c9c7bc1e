"""Tables of trials, against loops, SciPy, statsmodels and published runs."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.grids import POINTS, SOURCES, grid_runs
from helpers.synthetic import TARGET, demo_options, demo_runs, record, runs_of
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.equality import NO_SPREAD, TOO_FEW, equality_table
from interlude.analysis.improvement import improvement_table, iqm_table
from interlude.analysis.options import Statistics
from interlude.analysis.setting_effects import setting_effects
from interlude.analysis.stability import MEAN, best_of, expected_best, stability_table
from interlude.analysis.transfer import ONE_ENCODER

OPTIONS = demo_options(statistics=Statistics(resamples=4000))
RUNS = flag_degenerate(grid_runs(), OPTIONS.degenerate)
# Six encoders × 36 tasks × 20 seeds of Choshen et al. (Apache-2.0), where there is a copy beside
# the checkout.
PUBLISHED = Path(__file__).parents[4] / "shared/reference/model_recycling_pretrained_runs.csv"


def scores(runs: pd.DataFrame, source: str, task: str) -> np.ndarray:
    """In points; a run that diverged at its floor."""
    own = runs[(runs["role"] == "target") & (runs["source"] == source) & (runs["task"] == task)]
    return 100 * own["score"].fillna(0.3).to_numpy()


def test_trials_are_summed_up_as_they_are() -> None:
    table = stability_table(RUNS, OPTIONS, 0.0).set_index(["source", "task"])
    for (source, task), row in table.iterrows():
        trials = scores(RUNS, source, task)
        expected = {
            **{"trials": 8, "planned": 8, "maximum": max(trials), "minimum": min(trials)},
            **{
                "mean": np.mean(trials),
                "sd": np.std(trials, ddof=1),
                "population_sd": np.std(trials),
            },
            **{"median": np.median(trials), "iqm": np.mean(sorted(trials)[2:6])},
            **{"failed": sum(trials <= 30), "failed_share": np.mean(trials <= 30)},
        }
        assert row[list(expected)].tolist() == pytest.approx(list(expected.values()))
    lost = table.loc["sarcasm", TARGET[0]]
    interval = stats.binomtest(1, 8).proportion_ci(0.95, method="exact")
    assert lost[["failed_low", "failed_high"]].tolist() == pytest.approx(list(interval))


def test_a_trial_fails_that_is_not_above_the_floor_by_the_margin() -> None:
    records = [
        record("target", "none", "boolq", restart, score, majority_score=0.5)
        for restart, score in enumerate((0.49, 0.5, 0.51, 0.53, 0.6), start=1)
    ]
    runs = flag_degenerate(runs_of(records), OPTIONS.degenerate)
    counts = [stability_table(runs, OPTIONS, margin)["failed"].item() for margin in (0, 0.02, 0.1)]
    assert counts == [2, 3, 5]


def test_published_runs_fail_as_they_did() -> None:
    if not PUBLISHED.exists():
        pytest.skip(f"no copy of {PUBLISHED.name} beside the checkout")
    runs = pd.read_csv(PUBLISHED)
    own = runs[runs["target"].eq("financial_phrasebank") & runs["base_model"].eq("bert_base_cased")]
    accuracy = own["accuracy"].to_numpy()
    floor = float(np.median(accuracy)) - 0.1  # 9 of 20 lie this far below the median
    records = [
        record("target", "none", "boolq", seed, score, majority_score=floor, chance_score=floor)
        for seed, score in enumerate(accuracy, start=1)
    ]
    flagged = flag_degenerate(runs_of(records), OPTIONS.degenerate)
    row = stability_table(flagged, OPTIONS, 0.0).iloc[0]
    assert (row["failed"], row["trials"]) == (9, 20)
    assert row["population_sd"] == pytest.approx(100 * accuracy.std())


def test_the_expected_best_is_the_mean_over_all_draws() -> None:
    trials = np.array([3.0, 1.0, 4.0, 1.0])
    for k, best in enumerate(best_of(trials), start=1):
        drawn = [max(each) for each in itertools.product(trials, repeat=k)]
        assert best == pytest.approx(np.mean(drawn))
    table = expected_best(RUNS, OPTIONS, 0.0).set_index(["source", "task", "trials"])
    own = scores(RUNS, "social-iqa", TARGET[1])
    first = table.loc["social-iqa", TARGET[1], 1]
    assert first["expected_best"] == pytest.approx(own.mean())
    error = own.std() / np.sqrt(len(own))
    bounds = [own.mean() - 1.96 * error, own.mean() + 1.96 * error]
    assert first[["ci_low", "ci_high"]].tolist() == pytest.approx(bounds, abs=0.35 * error)
    every = [table.loc["social-iqa", task, 5]["expected_best"] for task in TARGET]
    assert table.loc["social-iqa", MEAN, 5]["expected_best"] == pytest.approx(np.mean(every))


def test_a_setting_has_the_effect_and_the_share_of_a_balanced_design() -> None:
    """Where every value meets every other, sums of squares are those of the values' means."""
    table = setting_effects(RUNS, 0.0).set_index(["source", "task", "setting", "value"])
    own = RUNS[(RUNS["source"] == "none") & (RUNS["task"] == TARGET[1])]
    trials = own.assign(y=100 * own["score"], rate=own["point"].map(lambda point: POINTS[point][0]))
    trials["batch"] = own["point"].map(lambda point: POINTS[point][1])
    total = ((trials["y"] - trials["y"].mean()) ** 2).sum()
    squares = {}
    for name, column in (("learning_rate", "rate"), ("batch_size", "batch"), ("restart",) * 2):
        means = trials.groupby(column)["y"].transform("mean")
        squares[name] = ((means - trials["y"].mean()) ** 2).sum()
        for value, mean in trials.groupby(column)["y"].mean().items():
            row = table.loc["none", TARGET[1], name, value]
            assert row["mean"] == pytest.approx(mean)
            assert row["effect"] == pytest.approx(mean - trials["y"].mean())
            assert row["share"] == pytest.approx(squares[name] / total)
    residual = (total - sum(squares.values())) / 4  # 8 trials less 1 mean and 3 contrasts
    p = stats.f.sf(squares["batch_size"] / residual, 1, 4)
    assert table.loc["none", TARGET[1], "batch_size", 8]["p"] == pytest.approx(p)
    assert table["failed_share"].max() == pytest.approx(1 / 4)


def test_interquartile_means_are_of_the_trials_of_all_tasks() -> None:
    """As rliable 1.2.0 aggregates a matrix of runs and tasks."""
    table = iqm_table(RUNS, OPTIONS, 0.0).set_index("source")
    for source in SOURCES:
        every = np.concatenate([scores(RUNS, source, task) for task in TARGET])
        normalised = sorted((every - 30) / 0.7)
        row = table.loc[source]
        assert row["iqm"] == pytest.approx(np.mean(normalised[6:18]))
        assert row["mean"] == pytest.approx(np.mean(normalised))
        assert row["ci_low"] < row["iqm"] < row["ci_high"]


def test_the_probability_of_improvement_is_that_of_mann_and_whitney() -> None:
    table = improvement_table(RUNS, OPTIONS, 0.0).set_index(["source", "against_source"])
    assert len(table) == 6
    for (source, other), row in table.iterrows():
        each = [
            stats.mannwhitneyu(scores(RUNS, source, task), scores(RUNS, other, task)).statistic / 64
            for task in TARGET
        ]
        assert row["probability"] == pytest.approx(np.mean(each))
        assert row["ci_low"] < row["probability"] < row["ci_high"]
    same = improvement_table(
        RUNS.assign(score=0.5, status="ok"), OPTIONS, 0.0
    )  # an equal score counts half
    assert same[["probability", "ci_low", "ci_high"]].to_numpy() == pytest.approx(0.5)


def test_equality_is_tested_on_pairs_by_two_one_sided_tests() -> None:
    table = equality_table(RUNS, OPTIONS, 0.0, 2.0).set_index(["source", "against_source", "task"])
    for (source, other, task), row in table.iterrows():
        sides = [
            np.mean([scores(RUNS, name, each) for each in (TARGET if task == MEAN else [task])], 0)
            for name in (source, other)
        ]
        paired = stats.ttest_rel(*sides)
        assert row["p_equal"] == pytest.approx(ttost_paired(*sides, -2.0, 2.0)[0])
        assert row["p"] == pytest.approx(paired.pvalue)
        assert row[["ci_low", "ci_high"]].tolist() == pytest.approx(
            list(paired.confidence_interval())
        )
        assert row["note"] == ONE_ENCODER
    assert table["equal"].equals(table["p_equal_holm"] < 0.05)
    assert table["equal"].any()


def test_pairs_of_encoders_of_their_own_count_once() -> None:
    runs = flag_degenerate(grid_runs(once=False, restarts=(1, 2, 3)), OPTIONS.degenerate)
    equality = equality_table(runs, OPTIONS, 0.0, 2.0).set_index(["source", "task"])
    own = equality.loc["social-iqa", TARGET[1]]
    of_task = runs[runs["task"] == TARGET[1]].groupby(["source", "restart"])["score"].mean()
    sides = [of_task[name] for name in ("social-iqa", "privacy-qa")]
    assert (own["pairs"], own["n"], own["note"]) == (12, 3, "")
    assert own["p"] == pytest.approx(stats.ttest_rel(*sides).pvalue)


def test_without_a_grid_trials_are_restarts_and_few_are_noted() -> None:
    runs = flag_degenerate(demo_runs(), OPTIONS.degenerate)
    assert stability_table(runs, OPTIONS, 0.0)["trials"].max() == 3
    assert equality_table(runs, OPTIONS, 0.0, 1.0)["n"].max() == 3
    assert set(setting_effects(runs, 0.0)["setting"]) == {"restart"}
    once = equality_table(runs[runs["restart"] == 1], OPTIONS, 0.0, 1.0)
    assert set(once["note"]) == {TOO_FEW}
    alike = equality_table(RUNS.assign(score=0.5, status="ok"), OPTIONS, 0.0, 1.0)
    assert set(alike["note"]) == {NO_SPREAD}
