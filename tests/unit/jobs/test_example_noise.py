"""The variance that the validation examples give to a difference, from stored predictions."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlude.data.groups import write_groups
from interlude.files import MANIFEST, filling, sha256_of, write_json
from interlude.jobs.example_noise import Examples, with_example_variance
from interlude.jobs.record import Predictions, write_predictions, write_predictions_of_tasks
from interlude.plan.cells import Cell

N = 200
IDS = [f"example {k}" for k in range(N)]
DRAWS = np.random.default_rng(7)
GOLD = [1] * N
BASELINE = Cell("single", "target", "none", None, "x", 1, None, "b1")
AGAINST = [("stilts", "single"), ("mtl", "stilts")]
SOURCE = Cell("stilts", "target", "a", None, "x", 1, None, "s1")
RIGHT = {name: DRAWS.random(N) < share for name, share in (("b1", 0.7), ("s1", 0.8), ("s2", 0.8))}


def known(trained: Path, *grouped: str) -> Examples:
    return Examples(trained, trained / "data", grouped)


def row(cell: Cell, **more: Any) -> dict[str, Any]:
    return {**vars(cell), "status": "ok", "metric": "accuracy", **more}


def write(trained: Path, name: str, ids: list[str] = IDS) -> None:
    path = trained / name / "predictions.parquet"
    write_predictions(path, ids, [int(right) for right in RIGHT[name]], GOLD)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    for name in RIGHT:
        write(tmp_path, name)
    return tmp_path


def near(variance: float) -> dict[str, Any]:
    """What is said of a cell that is held against the task alone, but for what resampling adds."""
    return {"single": pytest.approx(variance, rel=0.12)}


CELLS = [BASELINE, SOURCE, replace(SOURCE, restart=2, training="s2")]


def test_it_is_the_variance_of_the_mean_of_paired_differences(trained: Path) -> None:
    rows = with_example_variance(map(row, CELLS), known(trained), AGAINST)
    of_example = (RIGHT["s1"].astype(float) + RIGHT["s2"]) / 2 - RIGHT["b1"]
    expected = of_example.var() / N
    assert "example_var" not in rows[0]
    assert rows[1]["example_var"] == rows[2]["example_var"] == near(expected)


def test_it_is_the_same_again(trained: Path) -> None:
    one, two = (with_example_variance(map(row, CELLS), known(trained), AGAINST) for _ in range(2))
    assert one == two


def test_runs_without_a_result_do_not_count(trained: Path) -> None:
    lost = row(CELLS[2], status="failed", training="lost")
    alone = with_example_variance(map(row, CELLS[:2]), known(trained), AGAINST)[1]["example_var"]
    rows = with_example_variance([*map(row, CELLS[:2]), lost], known(trained), AGAINST)
    assert rows[1]["example_var"] == alone


@pytest.mark.parametrize("name", ["b1", "s1"])
def test_without_predictions_of_either_side_it_is_not_known(trained: Path, name: str) -> None:
    (trained / name / "predictions.parquet").unlink()
    rows = with_example_variance(map(row, CELLS[:2]), known(trained), AGAINST)
    assert not any("example_var" in each for each in rows)


def test_other_examples_are_not_compared(trained: Path) -> None:
    write(trained, "s1", [*IDS[1:], "another"])
    assert (
        "example_var" not in with_example_variance(map(row, CELLS[:2]), known(trained), AGAINST)[1]
    )


def test_without_a_baseline_it_is_not_known(trained: Path) -> None:
    (only,) = with_example_variance([row(SOURCE)], known(trained), AGAINST)
    assert "example_var" not in only


def test_predictions_of_several_tasks_are_read_for_the_one(trained: Path) -> None:
    alone = with_example_variance(map(row, CELLS[:2]), known(trained), AGAINST)[1]["example_var"]
    of_tasks = {
        "x": Predictions(IDS, [int(right) for right in RIGHT["s1"]], GOLD),
        "y": Predictions(["other"], [[1, 2]], [[2]]),
    }
    write_predictions_of_tasks(trained / "s1" / "predictions.parquet", of_tasks)
    rows = with_example_variance(map(row, CELLS[:2]), known(trained), AGAINST)
    assert rows[1]["example_var"] == alone


def test_an_arm_is_held_against_the_cell_of_the_same_source(trained: Path) -> None:
    mixed = replace(SOURCE, arm="mtl", training="b1")
    rows = with_example_variance(map(row, [SOURCE, mixed]), known(trained), AGAINST)
    expected = (RIGHT["b1"].astype(float) - RIGHT["s1"]).var() / N
    assert rows[1]["example_var"] == {"stilts": pytest.approx(expected, rel=0.12)}
    assert "example_var" not in rows[0]  # its baseline is not among them


def test_an_arm_without_a_source_is_held_against_the_task_alone(trained: Path) -> None:
    every = replace(BASELINE, arm="mtl-all", training="s1")
    rows = with_example_variance(
        map(row, [BASELINE, every]), known(trained), [("mtl-all", "single")]
    )
    expected = (RIGHT["s1"].astype(float) - RIGHT["b1"]).var() / N
    assert rows[1]["example_var"] == near(expected)


def test_a_task_of_a_reduced_size_is_held_against_the_task_of_that_size(trained: Path) -> None:
    cut = replace(BASELINE, training="s2", task_examples=9)
    cells = [BASELINE, cut, replace(SOURCE, task_examples=9)]
    rows = with_example_variance(map(row, cells), known(trained), AGAINST)
    assert rows[2]["example_var"] == near((RIGHT["s1"].astype(float) - RIGHT["s2"]).var() / N)


def test_each_contrast_of_an_arm_has_its_own(trained: Path) -> None:
    mixed = [replace(SOURCE, arm="mtl", training="s2"), replace(SOURCE, training="b1")]
    contrasts = [("mtl", "single"), ("mtl", "stilts")]
    alone = replace(BASELINE, training="s1")
    rows = with_example_variance(map(row, [alone, *mixed]), known(trained), contrasts)
    right = RIGHT["s2"].astype(float)
    expected = {
        "single": (right - RIGHT["s1"]).var() / N,
        "stilts": (right - RIGHT["b1"]).var() / N,
    }
    assert rows[1]["example_var"] == pytest.approx(expected, rel=0.12)
    assert len(set(rows[1]["example_var"].values())) == 2


# Groups: examples that are cut as one

GROUPS = {id: [f"article {int(DRAWS.integers(12))}"] for id in IDS}
REVISION = "mine 1.0"


def by_article(trained: Path, groups: dict[str, list[str]] = GROUPS) -> None:
    """Normalised data whose examples belong to articles, which are mostly right or mostly wrong."""
    with filling(trained / "data" / "x") as work:
        write_groups(work, groups)
        files = {file.name: sha256_of(file) for file in work.iterdir()}
        (work / MANIFEST).write_text(json.dumps({"revision": REVISION, "files": files}))


def clustered(trained: Path) -> dict[str, np.ndarray]:
    """Predictions that are right article by article, with some noise."""
    draws = np.random.default_rng(3)
    names = sorted({name for (name,) in GROUPS.values()})
    found = {}
    for training, share in (("b1", 0.6), ("s1", 0.8)):
        hard = dict(zip(names, draws.random(len(names)) < share, strict=True))
        right = np.array([hard[GROUPS[id][0]] != (draws.random() < 0.1) for id in IDS])
        write_predictions(
            trained / training / "predictions.parquet", IDS, right.astype(int).tolist(), GOLD
        )
        found[training] = right.astype(float)
    return found


def cluster_bootstrap(right: dict[str, np.ndarray], samples: int = 4000) -> float:
    """Whole articles drawn with replacement, their examples put together, in a plain loop."""
    draws = np.random.default_rng(11)
    names = np.array([GROUPS[id][0] for id in IDS])
    articles = np.unique(names)
    differences = []
    for _ in range(samples):
        drawn = draws.choice(articles, len(articles))
        at = np.concatenate([np.flatnonzero(names == article) for article in drawn])
        differences.append(right["s1"][at].mean() - right["b1"][at].mean())
    return float(np.var(differences, ddof=1))


def cells_of_mine() -> list[dict[str, Any]]:
    return [row(cell, data_revision=REVISION) for cell in CELLS[:2]]


def test_examples_of_a_group_are_drawn_together(trained: Path) -> None:
    by_article(trained)
    right = clustered(trained)
    rows = with_example_variance(cells_of_mine(), known(trained), AGAINST)
    expected = cluster_bootstrap(right)
    assert rows[1]["example_var"] == near(expected)
    alone = (right["s1"] - right["b1"]).var() / N
    assert expected > 4 * alone  # as independent examples would have it


def test_groups_that_are_linked_by_an_example_are_one(trained: Path) -> None:
    one = {id: [f"{place // 2}", f"linked {(place + 1) // 2}"] for place, id in enumerate(IDS)}
    by_article(trained, one)
    rows = with_example_variance(cells_of_mine(), known(trained), AGAINST)
    assert "example_var" not in rows[1]  # a chain through all: nothing else could be drawn


@pytest.mark.parametrize("lacking", ["data", "groups", "revision", "examples"])
def test_where_groups_are_not_known_they_are_not_taken_for_none(
    trained: Path, lacking: str
) -> None:
    by_article(trained, {IDS[0]: ["a"]} if lacking == "examples" else GROUPS)
    if lacking == "data":
        shutil.rmtree(trained / "data")
    if lacking == "groups":
        write_json(trained / "data" / "x" / MANIFEST, {"revision": REVISION, "files": {}})
    cells = cells_of_mine()
    if lacking == "revision":
        cells = [{**each, "data_revision": "another"} for each in cells]
    assert "example_var" not in with_example_variance(cells, known(trained, "x"), AGAINST)[1]
    assert "example_var" in with_example_variance(cells, known(trained), AGAINST)[1]
