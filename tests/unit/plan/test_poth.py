"""The study of Poth et al. 2021 as a config, its overlay for 1,000 examples, and its rehearsal."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from helpers.shipped import study_of

from interlude.plan.methods import Bottleneck
from interlude.plan.planner import Plan, plan_of
from interlude.plan.study import Study

ROOT = Path(__file__).parents[3]
# Names in the study's repository of the tasks that are not called so here, but for hyphens.
NAMES = {
    "social_i_qa": "social-iqa",
    "sst2": "sst-2",
    "emo": "emo-context",
    "hotpotqa": "hotpot-qa",
    "scicite": "sci-cite",
    "conll2000": "conll-2000",
    "conll2003_pos": "conll-2003-pos",
    "cq": "complex-questions",
    "conll2003": "conll-2003-ner",
    "stsb": "sts-b-spearman",
    "boolq": "boolq-accuracy",
}
METRICS = {"eval_accuracy": "accuracy", "eval_f1": "f1", "eval_spearmanr": "spearman"}
OWN = ["newsqa", "pmb-sem-tagging", "wikihop", "fce-error-detection", "mit-movie-trivia"]


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of("poth2021")


@pytest.fixture(scope="module")
def plan(study: Study) -> Plan:
    return plan_of(study)


def published(role: str) -> dict[str, dict[str, str]]:
    """Return the run settings of the tasks of a role, by their names here."""
    with (ROOT / "reference/poth_run_configs.csv").open(encoding="utf8") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] == role]
    return {NAMES.get(row["task"], row["task"].replace("_", "-")): row for row in rows}


def test_42_sources_are_trained_once_and_reach_11_targets_in_5_restarts(plan: Plan) -> None:
    assert Counter((cell.arm, cell.role) for cell in plan.cells) == {
        ("stilts", "intermediate"): 42,
        ("single", "target"): 11 * 5,
        ("stilts", "target"): 42 * 11 * 5,
    }
    assert len(plan.trainings) == 42 + 55 + 2310 == 2407
    assert len(plan.starts) == 42


def test_each_training_is_of_an_adapter_that_goes_on_from_its_source(plan: Plan) -> None:
    assert {each.method for each in plan.trainings.values()} == {Bottleneck(reduction=16)}
    kinds = Counter((each.start is None, each.adapter) for each in plan.trainings.values())
    assert kinds == {(True, None): 42 + 55, (False, "continue"): 2310}


@pytest.mark.parametrize("role", ["intermediate", "target"])
def test_tasks_and_settings_are_those_of_the_study(role: str, study: Study) -> None:
    known = published(role)
    assert set(study.config.tasks(role)) == known.keys()
    for name, row in known.items():
        settings = study.settings(role, name)
        assert settings.batch_size == int(row["batch_size"])
        assert settings.max_length == int(row["max_seq_length"] or 512)
        assert settings.epochs == settings.evaluations == int(row["epochs"])
        assert settings.patience == int(row["patience"])
        assert settings.learning_rate == float(row["lr"])
        assert (settings.weight_decay, settings.warmup, settings.select) == (0, 0, "best")
        assert study.examples(role, name) is None
        assert not study.standardises(role, name)


def test_targets_have_the_metrics_of_the_study(study: Study) -> None:
    for name, row in published("target").items():
        metric = METRICS[row["target_metric"]]
        assert metric in study.tasks[name].metric.split("_")


def test_what_needs_a_copy_of_ones_own_says_where_to_get_it(study: Study) -> None:
    own = {name for name, task in study.tasks.items() if task.source.own is not None}
    assert own == {*OWN, "complex-questions"}
    assert study.config.skip_unavailable is False
    assert not study.skipped


def test_fewer_target_examples_leave_the_sources_as_they_are(plan: Plan) -> None:
    study = study_of("poth2021", "poth2021-1000")
    fewer = plan_of(study)
    assert len(fewer.trainings) == 2407
    assert fewer.trainings.keys() & plan.trainings.keys() == plan.starts
    assert {study.examples("target", name) for name in study.tasks_of("target")} == {1000}


def test_the_rehearsal_has_what_a_mirror_holds(study: Study) -> None:
    rehearsed = study_of("poth2021", "poth2021-rehearsal")
    sources, targets = (rehearsed.tasks_of(role) for role in ("intermediate", "target"))
    assert (len(sources), len(targets)) == (17, 8)
    assert set(sources) <= set(study.tasks_of("intermediate"))
    assert set(targets) <= set(study.tasks_of("target"))
    trainings = plan_of(rehearsed).trainings.values()
    assert len(trainings) == 17 + 2 * 8 * (1 + 17) == 305
    assert {each.method for each in trainings} == {Bottleneck(reduction=16)}
    assert max(part.examples or 0 for each in trainings for part in each.parts) == 64
    assert {each.settings.epochs for each in trainings} == {1}
