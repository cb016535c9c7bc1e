"""The cells that are trained until a look, and those that are left once some were stopped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.plan.cells import Cell
from interlude.plan.looks import looks_of, until_look, within
from interlude.plan.planner import plan_of
from interlude.plan.study import Study, load_study

ARMS = {
    "single": [{"parts": ["task"]}],
    "stilts": [{"parts": ["source"]}, {"parts": ["task"]}],
    "mtl": [{"parts": ["source", "task"], "sampler": "uniform"}],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tiny.write_registry(tmp_path)
    return tmp_path


def study(root: Path, **changes: Any) -> Study:
    given = {"restarts": 7, "stop": "when-known", **changes}
    return load_study(tiny.config(**given), root)


def counts(cells: list[Cell]) -> Counter[tuple[str, str, str, str]]:
    return Counter(cell.scored for cell in cells)


@pytest.mark.parametrize(
    ("restarts", "looks"),
    [(3, []), (4, [3]), (5, [3]), (7, [3, 5]), (10, [3, 5]), (20, [3, 5, 10])],
)
def test_cells_are_looked_at_before_they_have_all_restarts(restarts: int, looks: list[int]) -> None:
    assert looks_of(restarts) == looks


def test_baselines_have_all_restarts_before_the_first_look(root: Path) -> None:
    of = study(root)
    cells = until_look(plan_of(of).cells, of.contrasts, 3, {})
    found = counts(cells)
    assert {found[key] for key in found if key[0] == "single"} == {7}
    assert {found[key] for key in found if key[0] == "stilts"} == {3}
    assert found["stilts", "intermediate", "none", "tiny-single"] == 3


def test_an_arm_that_another_is_compared_with_is_a_baseline(root: Path) -> None:
    of = study(root, arms=ARMS, contrasts=[{"arm": "mtl", "against": "stilts"}])
    found = counts(until_look(plan_of(of).cells, of.contrasts, 5, {}))
    assert {found[key] for key in found if key[0] == "stilts"} == {7}
    assert {found[key] for key in found if key[0] == "mtl"} == {5}


def test_what_was_stopped_has_no_further_restarts_nor_its_source_where_nothing_starts_from_it(
    root: Path,
) -> None:
    of = study(root)
    cells = plan_of(of).cells
    one = ("stilts", "target", "tiny-single", "tiny-pair")
    found = counts(until_look(cells, of.contrasts, 5, {one: 3}))
    assert found[one] == 3
    assert found["stilts", "target", "tiny-single", "tiny-span"] == 5
    assert found["stilts", "intermediate", "none", "tiny-single"] == 5
    every = {cell.scored: 3 for cell in cells if cell.source == "tiny-single"}
    left = counts(within(cells, every))
    assert left["stilts", "intermediate", "none", "tiny-single"] == 3
    assert left["stilts", "intermediate", "none", "tiny-choice"] == 7
    assert within(cells, {}) == cells


def test_a_source_that_is_trained_once_stays(root: Path) -> None:
    of = study(root, retrain_intermediate=False)
    cells = plan_of(of).cells
    every = {cell.scored: 3 for cell in cells if cell.source != "none"}
    assert counts(within(cells, every))["stilts", "intermediate", "none", "tiny-single"] == 1
