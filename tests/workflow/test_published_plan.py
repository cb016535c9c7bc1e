"""The published study is planned as it was published, with and without licensed data."""

from __future__ import annotations

import re

import pytest
import yaml
from helpers.project import ROOT, Project, copy_project

OVERLAY = "config/studies/pruksachatkun2020.yaml"
LICENSED = ("ccg", "ep-const", "ep-coref", "ep-ner", "ep-pos", "ep-srl", "ep-spr1")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project without results, data or a mirror."""
    return copy_project(tmp_path_factory.mktemp("plan") / "interlude")


def trained(planned: dict[str, int]) -> dict[str, int]:
    return {rule: count for rule, count in planned.items() if rule.startswith("train_")}


def test_the_study_plans_33_intermediate_and_1260_evaluation_runs(clone: Project) -> None:
    planned = trained(clone.planned("--configfile", OVERLAY))
    assert planned == {"train_intermediate": 33, "train_target": 360, "train_probe": 900}
    assert planned["train_target"] + planned["train_probe"] == 1260


def test_licensed_tasks_can_be_left_out(clone: Project) -> None:
    overlay = clone.root / "available.yaml"
    overlay.write_text("skip_unavailable: true\n")
    planned = trained(clone.planned("--configfile", OVERLAY, overlay.name))
    study = yaml.safe_load((clone.root / OVERLAY).read_text())
    roles = ("intermediate", "target", "probing")
    missing = {name for role in roles for name in study[role] if needs_a_copy(clone, name)}
    assert missing >= set(LICENSED)
    sources, targets, probing = (len(set(study[role]) - missing) for role in roles)
    assert planned == {
        "train_intermediate": 3 * sources,
        "train_target": 3 * (sources + 1) * targets,
        "train_probe": 3 * (sources + 1) * probing,
    }


def test_the_sweep_adds_eight_runs_for_each_task_and_kind(clone: Project) -> None:
    overlay = clone.root / "sweep.yaml"
    line = re.search(r"^# +(sweep: .*)$", (ROOT / OVERLAY).read_text(), re.M)
    assert line is not None
    overlay.write_text(line[1] + "\n")
    planned = clone.planned("--configfile", OVERLAY, overlay.name)
    assert trained(planned) == {
        "train_sweep": 8 * (11 + 10 + 25),
        "train_intermediate": 33,
        "train_target": 360,
        "train_probe": 900,
    }
    assert planned["choose_settings"] == 11 + 10 + 25


def needs_a_copy(clone: Project, task: str) -> bool:
    """Whether the data of a task are licensed: the user's own copy is read."""
    declared = yaml.safe_load((clone.root / f"config/tasks/{task}.yaml").read_text())
    return "own" in declared["source"]
