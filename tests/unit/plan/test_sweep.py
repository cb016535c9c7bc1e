"""The sweep: what it plans, and how it is refused. Which settings win: unit/analysis/test_sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.plan.cells import SWEEP, Cell
from interlude.plan.planner import Plan, combinations, plan_of
from interlude.plan.settings import Settings
from interlude.plan.study import load_study
from interlude.words import ROLES

GRID = {"learning_rate": [1e-3, 1e-4], "head_dropout": [0.2, 0.1]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project folder with the tiny tasks and the tiny model declared."""
    tiny.write_registry(tmp_path)
    return tmp_path


def planned(root: Path, **changes: Any) -> Plan:
    config = tiny.config(**{"sweep": GRID, **changes})
    return plan_of(load_study(config, root, where="study.yaml"))


def tried(plan: Plan, role: str, task: str) -> list[Cell]:
    return [cell for cell in plan.tried if (cell.role, cell.task) == (role, task)]


def test_every_combination_is_tried_in_the_order_of_the_config() -> None:
    assert combinations(GRID) == [
        {"learning_rate": 1e-3, "head_dropout": 0.2},
        {"learning_rate": 1e-3, "head_dropout": 0.1},
        {"learning_rate": 1e-4, "head_dropout": 0.2},
        {"learning_rate": 1e-4, "head_dropout": 0.1},
    ]


def test_a_study_without_a_sweep_tries_nothing(root: Path) -> None:
    plan = planned(root, sweep=None)
    assert (plan.tried, plan.choices) == ([], {})
    assert {training.choice for training in plan.trainings.values()} == {None}


def test_what_is_tried_is_a_baseline_with_the_settings_of_a_point(root: Path) -> None:
    plan = planned(
        root,
        training={"target": {"epochs": 7}},
        overrides={"target": {"tiny-pair": {"learning_rate": 0.5, "batch_size": 4}}},
    )
    cell = tried(plan, "target", "tiny-pair")[3]
    training = plan.trainings[cell.training]
    assert (cell.arm, cell.source, cell.restart, cell.point) == (SWEEP, "none", None, 4)
    assert (training.start, training.choice) == (None, None)
    assert training.settings == Settings(
        epochs=7, batch_size=4, learning_rate=1e-4, head_dropout=0.1
    )


def test_each_task_in_each_role_has_a_choice_among_its_own(root: Path) -> None:
    plan = planned(root, restarts=2)
    for cell in plan.cells:
        choice = plan.trainings[cell.training].choice
        assert choice is not None
        assert choice.trainings == tuple(t.training for t in tried(plan, cell.role, cell.task))
        assert choice.settings == tuple(GRID)
    assert len(plan.choices) == len({(cell.role, cell.task) for cell in plan.cells}) == 5


@pytest.mark.parametrize("seeds", [None, [7], [dict.fromkeys(ROLES, 7)]])
def test_one_seed_for_all_combinations_that_no_restart_has(root: Path, seeds: Any) -> None:
    plan = planned(root, seeds=seeds, restarts=1)
    cells = tried(plan, "target", "tiny-pair")
    drawn = {plan.trainings[cell.training].seed for cell in cells}
    assert len(cells) == 4
    assert len(drawn) == 1
    assert drawn.isdisjoint(plan.trainings[cell.training].seed for cell in plan.cells)


def test_another_combination_or_rule_is_another_choice_and_another_training(root: Path) -> None:
    studies = [
        planned(root),
        planned(root, sweep={**GRID, "head_dropout": [0.2, 0.3]}),
        planned(root, degenerate={"margin": 0.05}),
    ]
    found = [{cell.training for cell in plan.cells} for plan in studies]
    assert all(a.isdisjoint(b) for a, b in zip(found, [*found[1:], found[0]], strict=True))
    assert {c.training for c in studies[0].tried} == {c.training for c in studies[2].tried}


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({}, "key sweep"),
        ({"learning_rate": []}, "key sweep.learning_rate: found []"),
        ({"learning_rate": [1e-3, 1e-3]}, "key sweep.learning_rate: found [0.001, 0.001]"),
        ({"learning_rate": [0]}, "key sweep.learning_rate.0: found 0. Allowed: peak learning"),
        ({"max_length": [64]}, "key sweep: unknown key 'max_length'"),
    ],
)
def test_a_wrong_sweep_is_refused(root: Path, sweep: Any, said: str) -> None:
    with pytest.raises(InputError) as raised:
        planned(root, sweep=sweep)
    assert said in str(raised.value)
