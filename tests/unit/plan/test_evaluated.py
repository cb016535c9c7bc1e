"""A metric of evaluate in a task file: what is allowed, and what a training holds of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.forms import declaration_of, form_names
from interlude.plan.evaluated import Evaluated
from interlude.plan.planner import plan_of
from interlude.plan.study import load_study
from interlude.plan.tasks import Task, load_task
from interlude.plan.trainings import Training

FOLDER = {"folder": "metrics/mine", "score": "f1"}
COMMIT = "0123456789" * 4
HUB = {"hub": {"id": "evaluate-metric/f1", "revision": COMMIT}, "score": "f1"}


def task(folder: Path, form: str = "single", **changes: Any) -> Task:
    file = folder / f"tiny-{form}.yaml"
    tiny.write_yaml(file, tiny.task_file(form) | {"metric": "evaluate"} | changes)
    return load_task(file)


def test_a_metric_of_a_folder_or_of_the_hub(tmp_path: Path) -> None:
    of_folder, of_hub = (task(tmp_path, evaluate=each) for each in (FOLDER, HUB))
    assert (of_folder.score_called, of_hub.score_called) == ("f1 (mine)", "f1 (evaluate-metric/f1)")
    assert of_folder.evaluate is not None
    assert of_hub.evaluate is not None
    assert (of_folder.evaluate.name, of_hub.evaluate.name) == ("mine", "f1")
    assert of_folder.evaluate.digest != of_hub.evaluate.digest


def test_another_score_of_the_same_metric_is_prepared_once(tmp_path: Path) -> None:
    first, other = (
        task(tmp_path, evaluate=FOLDER | {"score": score}).evaluate for score in ("f1", "recall")
    )
    assert isinstance(first, Evaluated)
    assert isinstance(other, Evaluated)
    assert first.digest == other.digest
    assert first.to_json() != other.to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "key evaluate: found no key evaluate. Needed: metric: evaluate, and evaluate: with"),
        ({"metric": "accuracy", "evaluate": FOLDER}, "key evaluate: found metric: accuracy. Need"),
        ({"evaluate": {"score": "f1"}}, "exactly one of folder and hub"),
        ({"evaluate": FOLDER | HUB}, "exactly one of folder and hub"),
        ({"evaluate": {"folder": "mine"}}, "no key 'score'"),
        (
            {"evaluate": FOLDER | {"folder": "my-metric"}},
            "found my-metric. Allowed: a folder",
        ),
        ({"evaluate": FOLDER | {"score": "=1"}}, "key evaluate.score: found '=1'"),
        ({"evaluate": FOLDER | {"out_of": 50}}, "key evaluate.out_of: found 50. Allowed: 1, 100."),
        (
            {"evaluate": HUB | {"hub": {"id": "evaluate-metric/f1", "revision": "main"}}},
            "key evaluate.hub.revision: found 'main'. Allowed: a commit, 40 hexadecimal digits",
        ),
        (
            {"evaluate": HUB | {"hub": {"id": "f1", "revision": COMMIT}}},
            "key evaluate.hub.id: found 'f1'. Allowed: owner and name",
        ),
    ],
)
def test_a_fault_is_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        task(tmp_path, **changes)
    assert message in str(raised.value)


def test_forms_whose_predictions_no_metric_takes_refuse_it(tmp_path: Path) -> None:
    refusing = [name for name in form_names() if "evaluate" not in declaration_of(name).metrics]
    assert refusing == ["answer-option", "candidate", "multi-label", "spans", "tagging"]
    for form in refusing:
        with pytest.raises(InputError, match=f"unknown metric of the form {form} 'evaluate'"):
            task(tmp_path, form, evaluate=FOLDER)


def study_with(root: Path, evaluate: dict[str, Any], **config: Any) -> list[Training]:
    tiny.write_registry(root)
    file = root / "config/tasks/tiny-single.yaml"
    tiny.write_yaml(file, tiny.task_file("single") | {"metric": "evaluate", "evaluate": evaluate})
    plan = plan_of(load_study(tiny.config(**config), root, "study.yaml"))
    return [each for each in plan.trainings.values() if each.evaluated]


def test_it_is_part_of_a_training_and_of_none_without(tmp_path: Path) -> None:
    found = study_with(tmp_path, FOLDER)
    assert {part.task for each in found for part in each.evaluated} == {"tiny-single"}
    told = json.loads(found[0].to_json())["parts"][0]
    assert json.loads(told["evaluate"])["score"] == "f1"
    assert Training.from_json(found[0].to_json()) == found[0]
    assert not {each.id for each in found} & {
        each.id for each in study_with(tmp_path, FOLDER | {"out_of": 100})
    }


def test_code_of_the_hub_runs_only_where_the_config_says_so(tmp_path: Path) -> None:
    message = (
        r"tiny-single\.yaml: key evaluate\.hub: found evaluate-metric/f1, whose Python would be run"
        r"\. Allowed: with hub_metrics: true in the config; or a folder"
    )
    with pytest.raises(InputError, match=message):
        study_with(tmp_path, HUB)
    assert study_with(tmp_path, HUB, hub_metrics=True)
