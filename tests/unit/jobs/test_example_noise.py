"""The variance that the validation examples give to a difference, from stored predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlude.jobs.example_noise import with_example_variance
from interlude.jobs.record import Predictions, write_predictions, write_predictions_of_tasks
from interlude.plan.cells import Cell

N = 200
IDS = [f"example {k}" for k in range(N)]
DRAWS = np.random.default_rng(7)
GOLD = [1] * N
BASELINE = Cell("single", "target", "none", None, "x", 1, None, "b1")
AGAINST = {"stilts": "single", "mtl": "stilts"}
SOURCE = Cell("stilts", "target", "a", None, "x", 1, None, "s1")
RIGHT = {name: DRAWS.random(N) < share for name, share in (("b1", 0.7), ("s1", 0.8), ("s2", 0.8))}


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


CELLS = [BASELINE, SOURCE, replace(SOURCE, restart=2, training="s2")]


def test_it_is_the_variance_of_the_mean_of_paired_differences(trained: Path) -> None:
    rows = with_example_variance(map(row, CELLS), trained, AGAINST)
    of_example = (RIGHT["s1"].astype(float) + RIGHT["s2"]) / 2 - RIGHT["b1"]
    expected = of_example.var() / N
    assert "example_var" not in rows[0]
    assert rows[1]["example_var"] == rows[2]["example_var"] == pytest.approx(expected, rel=0.12)


def test_it_is_the_same_again(trained: Path) -> None:
    one, two = (with_example_variance(map(row, CELLS), trained, AGAINST) for _ in range(2))
    assert one == two


def test_runs_without_a_result_do_not_count(trained: Path) -> None:
    lost = row(CELLS[2], status="failed", training="lost")
    alone = with_example_variance(map(row, CELLS[:2]), trained, AGAINST)[1]["example_var"]
    rows = with_example_variance([*map(row, CELLS[:2]), lost], trained, AGAINST)
    assert rows[1]["example_var"] == alone


@pytest.mark.parametrize("name", ["b1", "s1"])
def test_without_predictions_of_either_side_it_is_not_known(trained: Path, name: str) -> None:
    (trained / name / "predictions.parquet").unlink()
    rows = with_example_variance(map(row, CELLS[:2]), trained, AGAINST)
    assert not any("example_var" in each for each in rows)


def test_other_examples_are_not_compared(trained: Path) -> None:
    write(trained, "s1", [*IDS[1:], "another"])
    assert "example_var" not in with_example_variance(map(row, CELLS[:2]), trained, AGAINST)[1]


def test_without_a_baseline_it_is_not_known(trained: Path) -> None:
    (only,) = with_example_variance([row(SOURCE)], trained, AGAINST)
    assert "example_var" not in only


def test_predictions_of_several_tasks_are_read_for_the_one(trained: Path) -> None:
    alone = with_example_variance(map(row, CELLS[:2]), trained, AGAINST)[1]["example_var"]
    of_tasks = {
        "x": Predictions(IDS, [int(right) for right in RIGHT["s1"]], GOLD),
        "y": Predictions(["other"], [[1, 2]], [[2]]),
    }
    write_predictions_of_tasks(trained / "s1" / "predictions.parquet", of_tasks)
    rows = with_example_variance(map(row, CELLS[:2]), trained, AGAINST)
    assert rows[1]["example_var"] == alone


def test_an_arm_is_held_against_the_cell_of_the_same_source(trained: Path) -> None:
    mixed = replace(SOURCE, arm="mtl", training="b1")
    rows = with_example_variance(map(row, [SOURCE, mixed]), trained, AGAINST)
    expected = (RIGHT["b1"].astype(float) - RIGHT["s1"]).var() / N
    assert rows[1]["example_var"] == pytest.approx(expected, rel=0.12)
    assert "example_var" not in rows[0]  # its baseline is not among them


def test_an_arm_without_a_source_is_held_against_the_task_alone(trained: Path) -> None:
    every = replace(BASELINE, arm="mtl-all", training="s1")
    rows = with_example_variance(map(row, [BASELINE, every]), trained, {"mtl-all": "single"})
    expected = (RIGHT["s1"].astype(float) - RIGHT["b1"]).var() / N
    assert rows[1]["example_var"] == pytest.approx(expected, rel=0.12)
