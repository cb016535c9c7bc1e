"""Mixing against chaining: each number computed again, from the runs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from helpers.mixing import MIXING_OPTIONS, SIZES, mixing_runs
from scipy import stats
from statsmodels.stats.multitest import multipletests

from interlude.analysis.mix_or_chain import CHAIN, MIX, NEITHER, rule_of, size_rule_table
from interlude.analysis.options import Statistics
from interlude.analysis.study_tables import study_tables
from interlude.words import Contrast


@cache
def tables() -> dict[str, pd.DataFrame]:
    return study_tables(mixing_runs(), MIXING_OPTIONS)


def points(arm: str, source: str, task: str) -> np.ndarray:
    runs = mixing_runs()
    own = runs[(runs["arm"] == arm) & (runs["source"] == source) & (runs["task"] == task)]
    return 100 * own[own["role"] == "target"]["score"].to_numpy(dtype=float)


def cells() -> pd.DataFrame:
    return tables()["mix_or_chain"]


def test_each_cell_has_both_tests_and_the_rule_of_sizes() -> None:
    by_pair = cells()
    assert len(by_pair) == 12
    rows = list(by_pair.itertuples())
    sides = [(points("mtl", r.source, r.task), points("stilts", r.source, r.task)) for r in rows]
    welch = [stats.ttest_ind(*side, equal_var=False) for side in sides]
    p_holm = multipletests([test.pvalue for test in welch], method="holm")[1]
    for row, (mix, chain), test, corrected in zip(rows, sides, welch, p_holm, strict=True):
        assert (row.mix, row.chain) == pytest.approx((mix.mean(), chain.mean()))
        assert (row.t, row.p, row.p_holm) == pytest.approx((test.statistic, test.pvalue, corrected))
        published = stats.ttest_ind(mix, chain).pvalue
        assert row.p_published == pytest.approx(published)
        larger = MIX if SIZES[row.source] > SIZES[row.task] else CHAIN
        sign = MIX if mix.mean() > chain.mean() else CHAIN
        assert row.rule == larger
        assert row.better == (sign if corrected < 0.05 else NEITHER)
        assert row.better_published == (sign if published < 0.1 else NEITHER)
        assert pd.isna(row.right) if row.better == NEITHER else row.right == (larger == sign)
    assert {MIX, CHAIN, NEITHER} == {*by_pair["better"]}
    assert set(by_pair["right"].dropna()) == {True, False}  # one pair breaks the rule


def test_the_better_of_both_is_compared_with_the_task_alone_by_its_own_spread() -> None:
    tests = []
    for row in cells().itertuples():
        arm = max(("mtl", "stilts"), key=lambda arm: points(arm, row.source, row.task).mean())
        best, single = points(arm, row.source, row.task), points("single", "none", row.task)
        tests.append(stats.ttest_ind(best, single, equal_var=False))
        low, high = tests[-1].confidence_interval(0.95)
        assert row.best == arm
        assert row.best_delta == pytest.approx(best.mean() - single.mean())
        assert (row.best_low, row.best_high) == pytest.approx((low, high))
    corrected = multipletests([test.pvalue for test in tests], method="holm")[1]
    assert cells()["best_p_holm"].tolist() == pytest.approx(list(corrected))


def test_the_rule_is_counted_over_significant_cells_and_over_all() -> None:
    table = tables()["size_rule"].set_index(["test", "cells", "threshold"])
    for test, column in (("Welch's, Holm", "better"), ("Welch's", "better_uncorrected")):
        own = cells()[cells()[column] != NEITHER]
        right = (own[column] == own["rule"]).sum()
        row = table.loc[(test, "significant", 1)]
        assert (row["right"], row["decided"], row["undecided"]) == (right, len(own), 0)
        assert row["accuracy"] == pytest.approx(right / len(own))
        assert row["always_mix"] == pytest.approx((own[column] == MIX).mean())
        exact = stats.binomtest(int(right), len(own)).proportion_ci(0.95, method="exact")
        assert (row["binomial_low"], row["binomial_high"]) == pytest.approx((exact.low, exact.high))
    sign = np.where(cells()["delta"] > 0, MIX, CHAIN)
    row = table.loc[("none", "all", 1)]
    assert (row["right"], row["decided"]) == ((sign == cells()["rule"]).sum(), 12)


def test_below_the_threshold_the_rule_does_not_decide() -> None:
    table = tables()["size_rule"].query("cells == 'all'").set_index("threshold")
    for least in (1, 4, 15):
        ratio = [max(SIZES[a], SIZES[b]) / min(SIZES[a], SIZES[b]) for a, b in pairs()]
        decided = sum(each >= least for each in ratio)
        assert table.loc[least, "decided"] == decided
        assert table.loc[least, "undecided"] == 12 - decided
    assert rule_of(pd.Series([2.0, 1.0, 0.5, np.nan])).tolist() == [MIX, "", CHAIN, ""]


def pairs() -> list[tuple[str, str]]:
    return list(itertools.permutations(SIZES, 2))


def test_intervals_are_of_resampled_tasks() -> None:
    """Many draws of tasks, a cell as often as both of its tasks are drawn."""
    levels = Statistics(resamples=20_000, seed=1)
    row = size_rule_table(cells(), levels).query("cells == 'all' and threshold == 1").iloc[0]
    right = {(r.source, r.task): (r.delta > 0) == (r.rule == MIX) for r in cells().itertuples()}
    rng, names, drawn = np.random.default_rng(9), list(SIZES), []
    for _ in range(20_000):
        count = dict.fromkeys(names, 0)
        for name in rng.choice(names, len(names)):
            count[str(name)] += 1
        weights = {(a, b): count[a] * count[b] for a, b in pairs()}
        if total := sum(weights.values()):
            drawn.append(sum(weights[pair] * right[pair] for pair in weights) / total)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.03)
    assert row["ci_low"] < row["binomial_low"]  # cells that share tasks tell less


def test_the_line_is_that_of_least_squares() -> None:
    line = tables()["size_regression"].set_index("cells").loc["all cells"]
    x = np.log10(cells()["size_ratio"].astype(float))
    slope, intercept = np.polyfit(x, cells()["t"], 1)
    assert (line["slope"], line["intercept"], line["n"]) == pytest.approx((slope, intercept, 12))
    assert line["ci_low"] < slope < line["ci_high"]


def test_means_of_arms_and_of_what_one_could_choose() -> None:
    means = tables()["arm_means"].set_index(["choice", "task"])["mean"]
    for arm in ("single", "mtl-all"):
        expected = np.mean([points(arm, "none", task).mean() for task in SIZES])
        assert means[arm, "mean over tasks"] == pytest.approx(expected)
    for task in SIZES:
        others = [source for source in SIZES if source != task]
        mix, chain = (
            np.array([points(arm, source, task).mean() for source in others])
            for arm in ("mtl", "stilts")
        )
        larger = np.array([SIZES[source] > SIZES[task] for source in others])
        assert means["mtl (mean over sources)", task] == pytest.approx(mix.mean())
        assert means["size rule", task] == pytest.approx(np.where(larger, mix, chain).mean())
        best = np.maximum(mix, chain).mean()
        assert means["better of both (oracle)", task] == pytest.approx(best)


def test_costs_of_an_arm_count_a_training_once() -> None:
    costs = tables()["arm_costs"].set_index("arm")
    counts = costs[["scores", "trainings", "shared"]].to_numpy().tolist()
    assert dict(zip(costs.index, counts, strict=True)) == {
        "stilts": [48, 16 + 48, 16],  # its first stages are the trainings of each task alone
        "single": [16, 16, 16],
        "mtl": [48, 24, 0],  # a training serves both directions of a pair
        "mtl-all": [16, 4, 0],
    }
    assert costs.loc["mtl", "tokens_per_score"] == pytest.approx(24 * 40_000 / 48)


def test_each_target_has_one_sentence_that_its_cells_bear_out() -> None:
    answers = tables()["mix_or_chain_answers"].set_index("task")
    assert list(answers.index) == list(SIZES)
    for task, answer in answers.iterrows():
        own = cells()[(cells()["task"] == task)]
        gains = own[(own["best_p_holm"] < 0.05) & (own["best_delta"] > 0)]
        assert str(answer["sentence"]).startswith(str(task).upper())
        if gains.empty:
            assert (answer["answer"], answer["with"]) == ("neither", "")
        else:
            best = gains.loc[gains["best_delta"].idxmax()]
            either = {NEITHER: "either"}
            assert answer["with"] == best["source"]
            assert answer["answer"] == either.get(best["better"], best["better"])
            assert f"{best['best_delta']:+.1f} points" in str(answer["sentence"])
    assert len(set(answers["answer"])) > 1


def test_one_restart_gives_no_test_and_says_so() -> None:
    runs = mixing_runs()
    tables = study_tables(runs[runs["restart"] == 1], MIXING_OPTIONS)
    assert set(tables["mix_or_chain"]["better"]) == {""}
    assert set(tables["mix_or_chain_answers"]["answer"]) == {"cannot be tested"}
    significant = tables["size_rule"].query("cells == 'significant'")
    assert significant["accuracy"].isna().all()
    assert tables["size_regression"].empty or tables["size_regression"]["slope"].isna().all()


def test_two_arms_that_mix_have_a_choice_each() -> None:
    """The rule between one of them and the chain is not averaged with that of the other."""
    runs = mixing_runs()
    again = runs[runs["arm"] == "mtl"].assign(arm="mtl-other", score=lambda own: own["score"] - 0.3)
    other = Contrast("mtl-other", "stilts", sourced=True, mixing=True)
    options = replace(MIXING_OPTIONS, contrasts=(*MIXING_OPTIONS.contrasts, other))
    both = study_tables(pd.concat([runs, again], ignore_index=True), options)["arm_means"]
    alone = tables()["arm_means"].set_index(["choice", "task"])["mean"]
    means = both.set_index(["choice", "task"])["mean"]
    for task in SIZES:
        assert means["size rule (mtl, stilts)", task] == alone["size rule", task]
    assert "size rule (mtl-other, stilts)" in means.index.get_level_values(0)
    assert "size rule" not in means.index.get_level_values(0)
