"""Studies in one folder: they train nothing twice, and what none of them names can be cleared."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import tiny
from helpers.project import TINY, Project, copy_prepared

SETTINGS = yaml.safe_load(TINY.read_text())["training"]
SMALL: dict[str, Any] = {"restarts": 1, "seeds": [5], "probing": []}
# The same training of one task: in `first` nothing starts from it, in `second` two others do.
FIRST = SMALL | {
    "study": "first",
    "intermediate": [],
    "target": ["sarcasm"],
    "training": {"target": SETTINGS["intermediate"]},
}
SECOND = SMALL | {
    "study": "second",
    "intermediate": ["sarcasm"],
    "target": ["privacy-qa"],
    "training": {"intermediate": SETTINGS["intermediate"], "target": SETTINGS["target"]},
}


@pytest.fixture(scope="module")
def folder(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the configs of the first and the second study, and what they train on."""
    project = copy_prepared(finished, tmp_path_factory.mktemp("one") / "interlude")
    base = yaml.safe_load(TINY.read_text())
    del base["overrides"]
    for config in (FIRST, SECOND):
        tiny.write_yaml(project.root / f"{config['study']}.yaml", base | config)
    return project


def of(study: str) -> tuple[str, ...]:
    return ("--configfile", f"{study}.yaml")


@pytest.fixture(scope="module")
def trained(folder: Project) -> list[dict[Path, int]]:
    """When each training was recorded: after the first study, and after the second."""
    times = []
    for study in ("first", "second"):
        folder.run("targets", *of(study))
        times.append(folder.trained_at())
    return times


def test_what_another_study_starts_from_is_trained_once_more_at_most(
    folder: Project, trained: list[dict[Path, int]]
) -> None:
    first, second = trained
    (shared,) = first
    assert shared == folder.trained("second", role="intermediate", task="sarcasm")
    assert first[shared] < second[shared]  # now it keeps its start
    assert (folder.root / shared / "start/encoder.safetensors").exists()
    assert len(second) == 3
    for study in ("first", "second"):
        assert folder.planned("targets", *of(study)) == {}


def test_a_study_that_names_the_same_trainings_trains_none(
    folder: Project, trained: list[dict[Path, int]]
) -> None:
    again = ("targets", *of("second"), "--config", "study=third")
    assert folder.trainings_planned(*again) == {}
    other = [*again, "target=[privacy-qa, finance-ner]"]
    assert folder.trainings_planned(*other) == {"train_target": 2}


def test_what_no_plan_names_is_listed_and_deleted_when_asked(
    folder: Project, trained: list[dict[Path, int]]
) -> None:
    own = folder.trained("first", task="sarcasm")
    gone = {training for training in trained[1] if training != own}
    assert "0 trainings that no plan.csv names" in folder.run("prune", *of("first"))
    shutil.rmtree(folder.root / "results/second")

    listed = folder.run("prune", *of("first"))
    lines = {line.strip() for line in listed.splitlines() if " MB  " in line}
    assert lines == {
        f"{size(folder.root / training):.1f} MB  {training}  privacy-qa" for training in gone
    }
    assert "To delete them: snakemake prune --config prune=delete" in listed
    assert folder.trained_at().keys() == gone | {own}

    assert "deleted: 2 trainings" in folder.run("prune", *of("first"), "--config", "prune=delete")
    assert folder.trained_at() == {own: trained[1][own]}
    assert not gone & {path.relative_to(folder.root) for path in folder.root.glob("results/*/*")}
    assert folder.planned("targets", *of("first")) == {}

    folder.run("targets", *of("second"))
    for training in gone:  # nor were they kept for other folders
        assert "step" in folder.log(training)


def size(folder: Path) -> float:
    """Return the size of all files below a folder, in MB."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
