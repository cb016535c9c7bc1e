"""Tables of a study with several arms: each contrast by itself, against its own baseline."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import record, runs_of
from scipy import stats
from statsmodels.stats.multitest import multipletests

from interlude.analysis.catalog import FIGURES, file_names
from interlude.analysis.options import Options, Statistics
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.figures.gallery import draw_figures
from interlude.words import Contrast

SOURCES, TASKS = ["mnli", "sst"], ["rte", "copa", "sst"]
CHAINED, MIXED, ALL = (
    Contrast("stilts", "single"),
    Contrast("mtl", "single"),
    Contrast("mtl-all", "single", sourced=False),
)
DIRECT = Contrast("mtl", "stilts")
OPTIONS = Options(
    contrasts=(CHAINED, MIXED, ALL, DIRECT), statistics=Statistics(resamples=20), titles={}
)


@cache
def study() -> pd.DataFrame:
    """single, stilts, mtl and mtl-all on three tasks, one of which is a source; three restarts."""
    noise = np.random.default_rng(4)
    planned = [("single", "none", task) for task in TASKS]
    planned += [
        (arm, source, task)
        for arm in ("stilts", "mtl")
        for task in TASKS
        for source in SOURCES
        if source != task
    ]
    planned += [("mtl-all", "none", task) for task in TASKS]
    shift = {"single": 0.0, "stilts": 0.03, "mtl": 0.05, "mtl-all": -0.04}
    restarts = (1, 2, 3)
    records = [record("intermediate", "none", of, k, 0.7) for of in SOURCES for k in restarts]
    records += [
        record(
            "target",
            source,
            task,
            k,
            0.6 + shift[arm] + noise.normal(0, 0.02),
            arm=arm,
            training=f"{arm} {source} {task} {k}",
        )
        for arm, source, task in planned
        for k in restarts
    ]
    return runs_of(records)


@cache
def tables() -> dict[str, pd.DataFrame]:
    return study_tables(study(), OPTIONS)


def scores(arm: str, source: str, task: str) -> np.ndarray:
    runs = study()
    own = runs[(runs["arm"] == arm) & (runs["source"] == source) & (runs["task"] == task)]
    return 100 * own[own["role"] == "target"]["score"].to_numpy(dtype=float)


def of(table: str, contrast: Contrast) -> pd.DataFrame:
    every = tables()[table]
    return every[(every["arm"] == contrast.arm) & (every["against"] == contrast.against)]


@pytest.mark.parametrize("contrast", OPTIONS.contrasts)
def test_a_cell_is_compared_with_the_other_arm_from_the_same_source(contrast: Contrast) -> None:
    transfer = of("transfer", contrast)
    assert len(transfer) == (5 if contrast.sourced else 3)
    assert set(transfer["source"]) == ({*SOURCES} if contrast.sourced else {"none"})
    for row in transfer.itertuples():
        source = row.source if contrast.against == "stilts" else "none"
        own = scores(contrast.arm, row.source, row.task)
        sides = own, scores(contrast.against, source, row.task)
        test = stats.ttest_ind(*sides, equal_var=False)
        assert row.baseline_source == source
        assert row.delta == pytest.approx(sides[0].mean() - sides[1].mean())
        assert row.p == pytest.approx(test.pvalue)
    assert transfer["p_holm"].tolist() == pytest.approx(
        multipletests(transfer["p"], method="holm")[1]
    )


def test_the_spread_of_a_task_has_each_baseline_once() -> None:
    row = of("transfer", DIRECT).iloc[0]
    groups = [
        scores(arm, source, row["task"])
        for arm in ("mtl", "stilts")
        for source in SOURCES
        if source != row["task"]
    ]
    pooled = np.sqrt(np.mean([group.var(ddof=1) for group in groups]))
    assert row["task_sd"] == pytest.approx(pooled)


def test_averages_and_estimates_are_of_one_contrast() -> None:
    averages = of("averages", DIRECT).set_index("source")
    cells = of("transfer", DIRECT)
    for source, own in cells.groupby("source"):
        sides = [
            np.mean([scores(arm, str(source), task) for task in own["task"]], axis=0)
            for arm in ("mtl", "stilts")
        ]
        test = stats.ttest_ind(*sides, equal_var=False)
        assert averages.loc[source, "fixed_p"] == pytest.approx(test.pvalue)
        assert averages.loc[source, "rank"] in (1, 2)
    assert of("averages", ALL)["source"].tolist() == ["none"]
    for name in ("averages_by_filter", "pooled", "restarts"):
        assert set(of(name, DIRECT)["role"]) == {"target"}, name
    order = tables()["averages"][["arm", "against"]].drop_duplicates().to_numpy().tolist()
    assert order == [[each.arm, each.against] for each in OPTIONS.contrasts]


def test_the_baseline_of_a_task_is_the_task_alone() -> None:
    by_task = tables()["tasks"].set_index(["role", "task"])
    for task in TASKS:
        assert by_task.loc[("target", task), "baseline"] == pytest.approx(
            scores("single", "none", task).mean()
        )
    assert tables()["tasks"]["role"].value_counts().to_dict() == {"target": 3, "intermediate": 2}


def test_correlations_are_of_encoders_that_all_tasks_start_from() -> None:
    """Three restarts of the chain's two sources, of which one has no score on itself."""
    assert tables()["robustness"].set_index("look").loc["all encoders", "encoders"] == 6
    pairs = tables()["correlations_all"].set_index(["task_a", "task_b"])
    assert pairs.loc[("rte", "copa"), "n"] == 6


def test_a_source_is_marked_in_the_arm_in_which_it_did_not_learn(tmp_path: Path) -> None:
    records = [record("intermediate", "none", "sst", k, 0.1, arm="stilts") for k in (1, 2)]
    records += [
        record("intermediate", "none", "sst", k, 0.9, arm="mlm", training=f"mlm sst {k}")
        for k in (1, 2)
    ]
    for arm in ("single", "stilts", "mlm"):
        source = "none" if arm == "single" else "sst"
        records += [
            record("target", source, "rte", k, 0.6 + k / 100, arm=arm, training=f"{arm} rte {k}")
            for k in (1, 2)
        ]
    options = Options(contrasts=(CHAINED, Contrast("mlm", "single")))
    notes = study_tables(runs_of(records), options)["transfer"].set_index("arm")["note"]
    assert "never rose above majority" in notes["stilts"]
    assert "never rose above majority" not in notes["mlm"]


def test_figures_and_printed_tables_are_of_each_contrast(tmp_path: Path) -> None:
    write_study_tables(tables(), tmp_path, OPTIONS)
    latex = (tmp_path / "transfer.tex").read_text()
    for contrast in OPTIONS.contrasts:
        assert contrast.title in latex
    figures = {name: FIGURES[name] for name in ("heatmap", "spread", "curves", "robustness")}
    draw_figures(figures, study(), tmp_path, OPTIONS, tmp_path)
    drawn = {path.stem for path in tmp_path.glob("*.svg")}
    assert drawn == {*file_names(figures, exclude=True, contrasts=OPTIONS.contrasts)}
    parts = ("", "_mtl-against-single", "_mtl-against-stilts")
    assert {name for name in drawn if name.startswith("spread")} == {f"spread{p}" for p in parts}
