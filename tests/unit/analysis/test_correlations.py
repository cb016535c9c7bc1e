"""Correlations and their robustness against scipy and hand-made cases."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import demo_options, demo_runs
from scipy import stats

from interlude.analysis.bootstrap import bootstrap_intervals
from interlude.analysis.correlations import (
    correlation_pairs,
    distinct_pairs,
    score_matrix,
    target_block,
)
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options, Statistics
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import joined
from interlude.analysis.robustness import collapsed_sources, robustness_table

REFERENCE = Path(__file__).parents[3] / "reference"


def matrix(rows: int = 12, sources: int = 6) -> pd.DataFrame:
    """Two target tasks and two probing tasks that follow one of them, with ties and a gap."""
    noise = np.random.default_rng(3)
    first = noise.normal(size=rows).round(1)
    columns = {
        ("target", "x"): first,
        ("target", "y"): noise.normal(size=rows),
        ("probing", "follows"): first + 0.3 * noise.normal(size=rows).round(1),
        ("probing", "constant"): np.full(rows, 0.5),
    }
    names = [f"source {row % sources}" for row in range(rows)]
    index = pd.MultiIndex.from_arrays([names, range(rows)], names=["source", "restart"])
    table = pd.DataFrame(columns, index=index)
    table.columns.names = ["role", "task"]
    table.iloc[2, 1] = math.nan
    return table


def test_pairs_as_in_scipy_with_ties_and_gaps() -> None:
    scores = matrix()
    pairs = correlation_pairs(scores).set_index(["task_a", "task_b"])
    for a in ("x", "y", "follows"):
        for b in ("x", "y", "follows"):
            one, other = scores.xs(a, axis=1, level="task"), scores.xs(b, axis=1, level="task")
            both = pd.concat([one, other], axis=1).dropna().to_numpy()
            row = pairs.loc[(a, b)]
            expected = stats.spearmanr(both[:, 0], both[:, 1])
            assert row["n"] == len(both)
            assert row["spearman"] == pytest.approx(expected.statistic)
            if a != b:
                assert row["p"] == pytest.approx(expected.pvalue)
            assert row["pearson"] == pytest.approx(stats.pearsonr(both[:, 0], both[:, 1])[0])


def test_a_task_that_does_not_vary_has_no_correlation() -> None:
    pairs = correlation_pairs(matrix()).set_index(["task_a", "task_b"])
    assert math.isnan(pairs.loc[("x", "constant"), "spearman"])
    assert math.isnan(pairs.loc[("x", "constant"), "p"])


def test_three_perfect_rows_are_no_evidence() -> None:
    scores = matrix(rows=3, sources=3).drop(columns=[("target", "y"), ("probing", "constant")])
    scores[("probing", "follows")] = scores[("target", "x")]
    block = target_block(scores, alpha=0.05)
    assert block["spearman"].tolist() == pytest.approx([1, 1])
    assert block["p"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert not block["holm_significant"].any()


def test_the_block_is_of_target_tasks_and_a_task_with_itself_is_no_finding() -> None:
    block = target_block(matrix(), alpha=0.05)
    assert len(block) == 2 * 4
    significant = block[block["holm_significant"]]
    assert list(zip(significant["task_a"], significant["task_b"], strict=True)) == [
        ("x", "follows")
    ]


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    """The published scores by encoder and task."""
    runs = joined(*published_tables(load_published(REFERENCE), "published"))
    return score_matrix(flag_degenerate(runs, DegenerateRule()), filtered=False)


def test_the_published_block_by_the_rule_of_the_paper_and_by_ours(published: pd.DataFrame) -> None:
    block = target_block(published, alpha=0.05)
    distinct, _ = distinct_pairs(block)
    assert (len(block), len(distinct)) == (350, 295)
    paper = block.groupby("role_b")["holm_significant"].sum().to_dict()
    assert paper == {"target": 44, "probing": 60}
    ours = block.iloc[distinct].groupby("role_b")["holm_significant_means"].sum().to_dict()
    assert ours == {"target": 7, "probing": 12}
    assert set(block["n_means"]) == {11}
    means = published.groupby(level="source").mean()
    row = block.set_index(["task_a", "task_b"]).loc[("RTE", "WSC")]
    expected = stats.spearmanr(means["target", "RTE"], means["target", "WSC"])
    assert row["spearman_means"] == pytest.approx(expected.statistic)
    assert row["p_means"] == pytest.approx(expected.pvalue)


def test_a_pair_of_target_tasks_is_corrected_once_and_reads_the_same_both_ways() -> None:
    block = target_block(matrix(), alpha=0.05).set_index(["task_a", "task_b"])
    columns = ["n_means", "spearman_means", "p_means", "p_holm_means", "holm_significant_means"]
    assert block.loc[("x", "y"), columns].tolist() == block.loc[("y", "x"), columns].tolist()
    assert block.loc[("x", "x"), ["p_means", "p_holm_means"]].isna().all()
    # x with y, and each of them with one probing task: the other does not vary.
    least = block["p_means"].min()
    assert block["p_holm_means"].min() == pytest.approx(3 * least)


def test_restarts_of_a_source_are_no_evidence() -> None:
    """Two tasks without a link; a source's restarts score alike (intraclass correlation .9)."""
    noise = np.random.default_rng(0)
    counts = {"holm_significant": 0, "holm_significant_means": 0}
    index = pd.MultiIndex.from_product([range(11), range(3)], names=["source", "restart"])
    columns = pd.MultiIndex.from_tuples([("target", "x"), ("probing", "y")], names=["role", "task"])
    for _ in range(30):
        sources = np.repeat(noise.normal(0, 3, (11, 2)), 3, axis=0)
        scores = pd.DataFrame(sources + noise.normal(size=(33, 2)), index, columns)
        for rule in counts:
            counts[rule] += target_block(scores, alpha=0.05)[rule].any()
    assert counts["holm_significant"] > 5  # .05 of 30 would be 1 or 2
    assert counts["holm_significant_means"] < 5


def test_bounds_do_not_depend_on_the_seed(published: pd.DataFrame) -> None:
    """95 % of them move by less than .01 with another one."""
    targets = pd.concat({"target": published["target"]}, axis=1, names=["role"])
    bounds = [
        bootstrap_intervals(targets, Statistics(seed=seed))[["ci_low", "ci_high"]].to_numpy()
        for seed in (1, 2)
    ]
    assert np.quantile(np.abs(bounds[0] - bounds[1]), 0.95) < 0.01


def test_encoders_are_rows_and_baselines_are_not_among_them() -> None:
    flagged = flag_degenerate(demo_runs(), demo_options().degenerate)
    scores = score_matrix(flagged, filtered=True)
    assert scores.shape == (9, 6)
    assert "none" not in scores.index.get_level_values("source")
    assert scores.isna().sum().sum() == 4
    assert score_matrix(flagged, filtered=False).isna().sum().sum() == 2


def test_robustness_leaves_out_what_it_says() -> None:
    table = robustness_table(matrix(), ["source 1", "source 2"], Options()).set_index("look")
    assert table.loc["all encoders", "encoders"] == 12
    assert table.loc["without collapsed: source 1, source 2", "encoders"] == 8
    assert table.loc["means of sources", "encoders"] == 6
    assert table.loc["without source 3", "encoders"] == 10
    assert len(table) == 3 + 6
    assert (table["significant"] == table["target_target"] + table["target_probing"]).all()


def test_means_of_the_same_scores_in_another_order_are_ties() -> None:
    scores = [0.1, 0.2, 0.3]
    index = pd.MultiIndex.from_product([["a", "b", "c"], [1, 2, 3]], names=["source", "restart"])
    columns = pd.MultiIndex.from_tuples([("target", "x"), ("probing", "y")], names=["role", "task"])
    rows = [[one, 9 - place] for place, one in enumerate([*scores, *scores[::-1], 0.4, 0.4, 0.4])]
    table = pd.DataFrame(rows, index=index, columns=columns)
    means = table.groupby(level="source").mean().round(9)
    assert means[("target", "x")].nunique() == 2
    assert robustness_table(table, [], Options()).loc[1, "encoders"] == 3


def test_collapsed_sources_lie_below_the_limit_on_target_tasks() -> None:
    averages = pd.DataFrame(
        {
            "source": ["a", "b", "b"],
            "role": ["target", "target", "probing"],
            "delta": [-6.0, -4.0, -9.0],
        }
    )
    assert collapsed_sources(averages, -5) == ["a"]


def test_bootstrap_resamples_sources_and_repeats() -> None:
    levels = Statistics(resamples=100)
    intervals = bootstrap_intervals(matrix(), levels).set_index(["task_a", "task_b"])
    row = intervals.loc[("x", "follows")]
    assert row["ci_low"] <= row["spearman"] <= row["ci_high"]
    assert row["left_out_low"] <= row["spearman"] <= row["left_out_high"]
    again = bootstrap_intervals(matrix(), levels).set_index(["task_a", "task_b"])
    pd.testing.assert_frame_equal(intervals, again)


def test_few_sources_have_no_intervals() -> None:
    intervals = bootstrap_intervals(matrix(sources=4), Statistics(resamples=100))
    assert intervals["ci_low"].isna().all()
    assert intervals["left_out_low"].notna().any()


def test_a_collapsed_source_that_is_not_in_the_matrix_does_no_harm() -> None:
    table = robustness_table(matrix(), ["known by means only", "source 1"], Options())
    assert table["encoders"].tolist()[:2] == [12, 10]
