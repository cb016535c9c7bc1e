"""The study of the starts behind published scores, by two encoders, and its rehearsal."""

from __future__ import annotations

from collections import Counter

import pytest
from helpers.shipped import study_of

from interlude.plan.planner import plan_of

TASKS = ["rte", "mrpc", "sts-b", "copa"]


@pytest.mark.parametrize(
    ("overlay", "encoder"),
    [("starts", "roberta-large"), ("starts-modernbert", "modernbert-base")],
)
def test_each_start_is_trained_once_and_reaches_four_tasks(overlay: str, encoder: str) -> None:
    study = study_of(*dict.fromkeys(["starts", overlay]))
    assert (study.name, study.model.name) == (overlay, encoder)
    plan = plan_of(study)
    assert Counter((cell.arm, cell.role) for cell in plan.cells) == {
        ("stilts", "intermediate"): 2,
        ("single", "target"): 4 * 5,
        ("stilts", "target"): 2 * 4 * 5,
    }
    assert len(plan.trainings) == 62
    assert study.tasks_of("target") == TASKS


def test_the_encoders_share_no_training() -> None:
    plans = [plan_of(study_of(*names)) for names in (["starts"], ["starts", "starts-modernbert"])]
    assert not plans[0].trainings.keys() & plans[1].trainings.keys()


def test_settings_are_those_of_fairseq_for_glue() -> None:
    study = study_of("starts")
    known = {"rte": (2e-5, 16), "mrpc": (1e-5, 16), "sts-b": (2e-5, 16)}
    found = {task: study.settings("target", task) for task in known}
    assert {task: (s.learning_rate, s.batch_size) for task, s in found.items()} == known
    mnli = study.settings("intermediate", "mnli")
    assert (mnli.learning_rate, mnli.batch_size) == (1e-5, 32)
    for each in (*found.values(), mnli):
        assert (each.epochs, each.warmup, each.weight_decay) == (10, 0.06, 0.1)


def test_the_rehearsal_is_small_and_on_what_a_mirror_holds() -> None:
    study = study_of("starts", "starts-rehearsal")
    trainings = plan_of(study).trainings.values()
    assert len(trainings) == 2 + 2 * 4 * 3
    assert {each.settings.learning_rate for each in trainings} == {3e-4}
    assert {each.settings.max_length for each in trainings} == {64}
    assert {each.model for each in trainings} == {"minilm-l6"}
