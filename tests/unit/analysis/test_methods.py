"""Transfer by two methods: each number computed again, from the runs."""

from __future__ import annotations

import itertools
import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.methods import METHOD_OPTIONS, SOURCES, TASKS, method_runs
from scipy import stats

from interlude.analysis.methods import method_ranking, methods_table
from interlude.analysis.options import Statistics
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.words import Contrast

DIRECT = METHOD_OPTIONS.contrasts[-1]
LEVELS = METHOD_OPTIONS.statistics


@cache
def tables() -> dict[str, pd.DataFrame]:
    return study_tables(method_runs(), METHOD_OPTIONS)


@cache
def runs() -> pd.DataFrame:
    return method_runs()


@cache
def scores() -> dict[tuple[str, ...], np.ndarray]:
    """Arm, role, source and task -> scores in points."""
    by_cell = runs().groupby(["arm", "role", "source", "task"])["score"]
    return {key: 100 * own.to_numpy(dtype=float) for key, own in by_cell}


def places() -> list[tuple[str, str, str]]:
    return [
        (role, source, task)
        for role, tasks in TASKS.items()
        for task in tasks
        for source in SOURCES
        if (source, task) != ("sst", "copa")
    ]


def sides(role: str, source: str, task: str) -> list[np.ndarray]:
    """Scores after the source and alone by the adapter, then by full fine-tuning."""
    arms = ("stilts-lora", "single-lora", "stilts", "single")
    return [scores()[arm, role, "none" if "single" in arm else source, task] for arm in arms]


def test_each_cell_has_the_transfer_and_relative_gain_of_both_methods() -> None:
    cells = tables()["methods"].set_index(["role", "source", "task"])
    assert cells.index.tolist() == places()
    assert set(cells["arm"] + cells["against"]) == {"stilts-lorastilts"}
    for place, row in cells.iterrows():
        by = sides(*place)
        for (after, alone), side, low, high in (
            (by[:2], "", "ci_low", "ci_high"),
            (by[2:], "against_", "against_low", "against_high"),
        ):
            interval = stats.ttest_ind(after, alone, equal_var=False).confidence_interval(0.9)
            assert (row[low], row[high]) == pytest.approx(tuple(interval))
            assert row[f"{side}baseline"] == pytest.approx(alone.mean())
            assert row[f"{side}delta"] == pytest.approx(after.mean() - alone.mean())
            assert row[f"{side}gain"] == pytest.approx(100 * (after.mean() / alone.mean() - 1))


def test_the_p_of_each_side_are_those_of_its_own_transfer() -> None:
    cells = tables()["methods"].set_index(["role", "source", "task"])
    transfer = tables()["transfer"].set_index(["arm", "against", "role", "source", "task"])
    for place in places():
        for name, of in (("p_holm", "-lora"), ("against_p_holm", "")):
            expected = transfer.loc[(f"stilts{of}", f"single{of}", *place), "p_holm"]
            assert cells.loc[place, name] == expected


def test_the_difference_of_both_has_the_interval_of_four_sides() -> None:
    """Welch's and Satterthwaite's formula, one cell after the other."""
    for row in tables()["methods"].itertuples():
        by = sides(row.role, row.source, row.task)
        parts = [side.var(ddof=1) / len(side) for side in by]
        freedom = sum(parts) ** 2 / sum(p**2 / (len(s) - 1) for p, s in zip(parts, by, strict=True))
        reach = stats.t(freedom).ppf(0.95) * math.sqrt(sum(parts))
        difference = by[0].mean() - by[1].mean() - by[2].mean() + by[3].mean()
        numbers = (row.difference, row.difference_low, row.difference_high)
        assert numbers == pytest.approx((difference, difference - reach, difference + reach))


def test_a_baseline_of_nothing_has_no_relative_gain() -> None:
    transfer = tables()["transfer"]
    changed = transfer.assign(baseline=transfer["baseline"].where(transfer["task"] != "rte", -1.0))
    cells = methods_table(changed, DIRECT, 0.1)
    of_rte = cells["task"] == "rte"
    assert cells.loc[of_rte, ["gain", "against_gain"]].isna().all(axis=None)
    assert cells.loc[~of_rte, ["gain", "against_gain"]].notna().all(axis=None)


def transfers(role: str) -> pd.DataFrame:
    """Of each cell of both: sides adapter and full."""
    rows = []
    for of, source, task in places():
        if of == role:
            by = [side.mean() for side in sides(of, source, task)]
            rows.append((source, task, by[0] - by[1], by[2] - by[3]))
    return pd.DataFrame(rows, columns=["source", "task", "adapter", "full"])


def ranked(cells: pd.DataFrame) -> list[float]:
    """Correlation over cells, and within tasks; share of positive transfers of either."""
    pair = ["adapter", "full"]
    within = [
        stats.spearmanr(own["adapter"], own["full"]).statistic
        for _, own in cells.groupby("drawn" if "drawn" in cells else "task")
        if own[pair].nunique().min() > 1
    ]
    over = stats.spearmanr(cells["adapter"], cells["full"]).statistic
    return [float(over), float(np.mean(within)), *(cells[pair] > 0).mean()]


NUMBERS = ["spearman", "within_tasks", "positive", "against_positive"]


@pytest.mark.parametrize("role", TASKS)
def test_the_methods_are_ranked_over_cells_and_within_tasks(role: str) -> None:
    row = tables()["method_ranking"].set_index("role").loc[role]
    cells = transfers(role)
    assert row[NUMBERS].tolist() == pytest.approx(ranked(cells))
    assert row["more_positive"] == pytest.approx(row["positive"] - row["against_positive"])
    assert row[["sources", "tasks", "cells"]].tolist() == [6, len(TASKS[role]), len(cells)]


def test_intervals_are_of_resampled_sources_and_tasks() -> None:
    """Drawn again with other numbers, row by row, so equal up to chance."""
    cells, draws = transfers("target"), np.random.default_rng(8)
    of_place = {(row.source, row.task): row for row in cells.itertuples()}
    drawn = []
    for _ in range(200):
        sources, tasks = draws.choice(SOURCES, 6), draws.choice(TASKS["target"], 5)
        rows = [
            (place, row.adapter, row.full)
            for (place, task), source in itertools.product(enumerate(tasks), sources)
            if (row := of_place.get((source, task))) is not None
        ]
        drawn.append(ranked(pd.DataFrame(rows, columns=["drawn", "adapter", "full"])))
    more = [each[2] - each[3] for each in drawn]
    expected = np.quantile(np.column_stack([drawn, more]), [0.05, 0.95], axis=0).T
    row = tables()["method_ranking"].set_index("role").loc["target"]
    bounds = [("ci_low", "ci_high"), ("within_low", "within_high")]
    bounds += [("positive_low", "positive_high")]
    bounds += [("against_positive_low", "against_positive_high"), ("more_low", "more_high")]
    shown = np.array([[row[name] for name in pair] for pair in bounds])
    assert np.abs(shown - expected).max() < 0.1
    assert (shown[:, 0] < shown[:, 1]).all()


def test_below_five_tasks_or_sources_there_is_no_interval() -> None:
    row = tables()["method_ranking"].set_index("role").loc["probing"]
    assert row[["ci_low", "within_high", "positive_low", "more_high"]].isna().all()
    cells = tables()["methods"]
    few = method_ranking(cells[cells["source"].isin(SOURCES[:4])], Statistics(resamples=10))
    assert few["ci_low"].isna().all()
    assert few["spearman"].notna().all()


def test_the_same_transfers_correlate_fully_and_unknown_ones_not() -> None:
    cells = tables()["methods"]
    same = method_ranking(cells.assign(against_delta=cells["delta"]), Statistics(resamples=50))
    assert same[["spearman", "within_tasks"]].to_numpy() == pytest.approx(1)
    assert same["more_positive"].tolist() == [0, 0]
    unknown = method_ranking(cells.assign(delta=np.nan), Statistics(resamples=50))
    assert unknown["cells"].tolist() == [0, 0]
    assert unknown[["spearman", "within_tasks", "positive"]].isna().all(axis=None)


def test_arms_cost_what_is_trained_and_what_is_left() -> None:
    costs = tables()["arm_costs"].set_index("arm")
    assert costs["trained_parameters"].to_dict() == {
        **{"stilts": 90_000, "single": 90_000, "stilts-lora": 500, "single-lora": 500}
    }
    assert costs.loc["stilts", "start_bytes"] == 360_000
    assert costs.loc["stilts-lora", "start_bytes"] == 900
    assert math.isnan(costs.loc["single", "start_bytes"])
    assert costs["peak_memory_bytes"].to_dict() == {  # of four restarts the largest
        **{"stilts": 32_000, "single": 32_000, "stilts-lora": 4000, "single-lora": 4000}
    }
    alone = runs()[runs()["arm"] == "single"]
    assert costs.loc["single", "tokens_per_second"] == pytest.approx(
        alone["tokens"].sum() / alone["train_seconds"].sum()
    )


def test_a_study_without_a_task_alone_has_tables_without_rows() -> None:
    chained = tables()["transfer"]
    direct = chained[chained["against"] == "stilts"]
    cells = methods_table(direct, Contrast("stilts-lora", "stilts", methods=True), 0.1)
    assert cells.empty
    assert method_ranking(cells, LEVELS).empty


def test_latex_has_a_line_per_cell_and_per_role(tmp_path: Path) -> None:
    named = {name: tables()[name] for name in ("methods", "method_ranking")}
    write_study_tables(named, tmp_path, METHOD_OPTIONS)
    latex = (tmp_path / "methods.tex").read_text()
    row = named["methods"].iloc[0]
    side = f"{row['delta']:+.1f} [{row['ci_low']:+.1f}, {row['ci_high']:+.1f}]"
    assert f"stilts-lora / stilts & target & RTE & MNLI & {side}" in latex
    ranking = (tmp_path / "method_ranking.tex").read_text()
    target = named["method_ranking"].set_index("role").loc["target"]
    interval = f"[{target['ci_low']:.2f}, {target['ci_high']:.2f}]"
    assert f"{target['spearman']:.2f} {interval}" in ranking
    probing = named["method_ranking"].set_index("role").loc["probing"]
    assert f" & {probing['spearman']:.2f} & " in ranking
