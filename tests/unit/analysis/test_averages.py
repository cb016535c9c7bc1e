"""Averages over tasks: their intervals, tests and counts, and the tasks that they are over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import record, runs_of
from scipy import stats

from interlude.analysis.averages import average_table
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import joined
from interlude.analysis.transfer import cell_scores, transfer_table

REFERENCE = Path(__file__).parents[3] / "reference"
Rows = dict[tuple[str, str], list[float]]

ROWS: Rows = {
    ("none", "boolq"): [0.50, 0.51, 0.53],
    ("none", "copa"): [0.60, 0.64, 0.61],
    ("copa", "boolq"): [0.70, 0.72, 0.71],
    ("copa", "copa"): [0.61, 0.66, 0.68],
    ("mnli", "boolq"): [0.52, 0.50, 0.51],
}


def averages(rows: Rows) -> pd.DataFrame:
    runs = runs_of(
        record("target", source, task, restart, score)
        for (source, task), scores in rows.items()
        for restart, score in enumerate(scores, start=1)
    )
    return averages_of(runs, filtered=True).set_index("source")


def averages_of(runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    flagged = flag_degenerate(runs, DegenerateRule(margin=0.01))
    transfer = transfer_table(flagged, Options(), filtered)
    return average_table(transfer, cell_scores(flagged, filtered), Options())


def test_tasks_fixed_it_is_the_means_of_restarts_that_vary() -> None:
    row = averages(ROWS).loc["copa"]
    own, base = (
        100 * np.mean([ROWS[of, task] for task in ("boolq", "copa")], axis=0)
        for of in ("copa", "none")
    )
    test = stats.ttest_ind(own, base, equal_var=False)
    interval = test.confidence_interval(0.95)
    assert row["delta"] == pytest.approx(own.mean() - base.mean())
    assert row["fixed_p"] == pytest.approx(test.pvalue)
    assert row[["fixed_low", "fixed_high"]].tolist() == pytest.approx([*interval])


def test_counts_are_of_cells_that_differ_from_0_after_correction() -> None:
    by_source = averages(ROWS)
    columns = ["tasks", "improved", "harmed", "undecided", "above", "below"]
    assert by_source.loc["copa", columns].tolist() == [2, 1, 0, 1, 1, 0]
    assert by_source.loc["mnli", columns].tolist() == [1, 0, 0, 1, 0, 1]


def test_sources_stand_beside_one_another_over_the_tasks_they_share() -> None:
    by_source = averages(ROWS)
    assert by_source["common_tasks"].tolist() == [1, 1]
    assert by_source.loc["copa", "delta_common_tasks"] == pytest.approx(71 - 51.3333, abs=1e-3)
    assert by_source.loc["copa", "delta_other_tasks"] == by_source.loc["copa", "delta_common_tasks"]


def test_of_one_task_there_is_no_interval_over_others() -> None:
    row = averages(ROWS).loc["mnli"]
    assert row[["random_low", "random_high", "random_p"]].isna().all()
    assert row["fixed_p"] > 0


def test_the_published_averages() -> None:
    runs = joined(*published_tables(load_published(REFERENCE), "published"))
    by_source = averages_of(runs, filtered=False).query("role == 'target'").set_index("source")
    best = by_source.loc["CosmosQA"]
    assert best["delta"] - best["fixed_low"] == pytest.approx(0.42, abs=0.01)
    assert best["note"] == "baselines are means, assumed known"
    random = best[["random_low", "random_high", "random_p", "random_p_holm"]]
    assert random.tolist() == pytest.approx([0.11, 5.09, 0.042, 0.34], abs=0.005)
    p_values = by_source["random_p_holm"].round(3)
    assert p_values[p_values < 0.05].to_dict() == {"CCG": 0.007, "SocialIQA": 0.023}
    assert by_source[["improved", "harmed"]].sum().sum() == 0  # none can be tested


def test_of_means_alone_there_is_no_interval_over_these_tasks() -> None:
    means = {"status": "mean_only", "metrics": {"sd": 0.01, "n": 8}}
    runs = runs_of(
        record("target", source, task, 1, score, **means)
        for (source, task), score in {
            ("none", "boolq"): 0.6,
            ("none", "copa"): 0.6,
            ("mnli", "boolq"): 0.7,
            ("mnli", "copa"): 0.64,
        }.items()
    )
    row = averages_of(runs, filtered=True).iloc[0]
    assert row[["fixed_low", "fixed_high", "fixed_p"]].isna().all()
    assert row["note"].startswith("no interval over these tasks")
    assert row["random_p"] > 0
