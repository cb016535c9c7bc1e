"""The published study is planned as it was published, with and without licensed data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from project import ROOT, Project, copy_project

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
    own = [
        name
        for name in re.findall(r"[a-z][a-z0-9-]+", (clone.root / OVERLAY).read_text())
        if _needs_a_copy(clone.root / "config/tasks" / f"{name}.yaml")
    ]
    missing = set(own)
    assert missing >= set(LICENSED)
    sources = 11 - len(missing & {"ccg", "qamr"})
    probing = 25 - len([name for name in missing if re.match("ep-|se-|aj-", name)])
    assert planned == {
        "train_intermediate": 3 * sources,
        "train_target": 3 * (sources + 1) * 10,
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


def _needs_a_copy(task: Path) -> bool:
    return task.exists() and re.search(r"^ *own:|\{own:", task.read_text(), re.M) is not None
