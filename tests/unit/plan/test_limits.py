"""What is said of a study's limits before anything is done."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import tiny

from interlude.plan.config import Config
from interlude.plan.declared import checked
from interlude.plan.limits import aligned, data_limits, declared_limits, fills_no_batch


def config(**changes: Any) -> Config:
    """Return a config with its defaults."""
    return checked(Config, tiny.config(**changes), where="c")


def test_defaults_are_said_of_each_role_with_tasks() -> None:
    assert declared_limits(config(intermediate=[])).splitlines() == [
        "tiny: what trainings may use (docs/config.md)",
        "role     examples  epochs  batch  rate    length  validation rows  own settings",
        "target   all       3       16     0.0001  128     all              none",
        "probing  all       3       16     0.0001  128     all              none",
    ]


def test_given_limits_steps_and_tasks_of_their_own_are_said() -> None:
    training = {"target": {"train_examples": 48, "steps": 250_000, "validation_examples": 32}}
    overrides = {"target": {"tiny-span": {"epochs": 9}}}
    told = declared_limits(config(training=training, overrides=overrides)).splitlines()[3].split()
    assert told[1:4] == ["48", "250000", "steps"]
    assert told[-2:] == ["32", "tiny-span"]


def test_many_tasks_of_their_own_are_counted() -> None:
    target = [f"task-{number}" for number in range(6)]
    overrides = {"target": {task: {"epochs": 9} for task in target[:5]}}
    assert "5 of 6 tasks" in declared_limits(config(target=target, overrides=overrides))


def test_a_study_without_training_says_so() -> None:
    assert declared_limits(config(intermediate=[], target=[], probing=[])) == "tiny: no training"


def test_what_a_sweep_or_a_grid_varies_has_no_one_value() -> None:
    lines = declared_limits(
        config(sweep={"learning_rate": [1e-5, 2e-5]}, grid={"batch_size": [8, 16]})
    ).splitlines()
    intermediate, target = (line.split()[3:5] for line in lines[2:4])
    assert intermediate == ["16", "varies"]
    assert target == ["varies", "varies"]


def test_the_limits_of_a_task_come_with_its_sizes() -> None:
    found = data_limits(
        config(
            training={"intermediate": {"validation_examples": 8}},
            overrides={"intermediate": {"tiny-single": {"epochs": 1}}},
            sizes={"tiny-single": [4, 16]},
        ),
        "intermediate",
        "tiny-single",
    )
    assert [limits["train_examples"] for limits in found] == [None, 4, 16]
    assert {(limits["validation_examples"], limits["epochs"]) for limits in found} == {(8, 1)}


def test_a_size_is_one_of_an_intermediate_task_alone() -> None:
    sizes = {"tiny-single": [4]}
    found = data_limits(config(target=["tiny-single"], sizes=sizes), "target", "tiny-single")
    assert len(found) == 1


def test_a_target_size_is_one_of_a_scored_task_alone() -> None:
    cut = config(target=["tiny-single"], target_sizes={"tiny-single": [4]})
    of_roles = [data_limits(cut, role, "tiny-single") for role in ("target", "intermediate")]
    assert [[each["train_examples"] for each in found] for found in of_roles] == [[None, 4], [None]]


@pytest.mark.parametrize(("rows", "told"), [(15, True), (16, False)])
def test_rows_that_fill_no_batch_are_told(rows: int, told: bool) -> None:
    (limits,) = data_limits(config(target=["tiny-single"]), "target", "tiny-single")
    sentence = (
        "tiny-single (target): 15 rows are trained on, which fill no batch of 16; an epoch is one "
        "step. batch_size sets it"
    )
    assert fills_no_batch(limits, rows) == sentence * told


def test_no_batch_is_told_of_where_its_size_varies() -> None:
    assert fills_no_batch({"batch_size": None}, 1) == ""


def test_cells_of_a_column_begin_at_one_place() -> None:
    assert list(aligned([["a", "b"], ["long", ""]])) == ["a     b", "long"]
