"""A study of one's own starts from the documented defaults, and says what it will use."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import forked
from helpers.project import Project, copy_prepared, copy_project

from interlude.plan.settings import Settings

MINE = {"study": "mine", "encoder": {"model": "minilm-l6"}, "target": ["sarcasm"]}
HEAD = "role          examples  epochs  batch  rate    length  validation rows  own settings"
OF_THE_DEFAULT_STUDY = [
    HEAD,
    "intermediate  all       2       8      0.0002  128     160              "
    "commonsense-qa-dev, disfl-qa, privacy-qa",
    "target        all       2       8      0.0002  128     160              sarcasm, finance-ner",
    "probing       all       2       8      0.0002  128     160              probe-word-content",
]
OF_THE_TINY_STUDY = [
    HEAD,
    "intermediate  64        2       8      0.0001  96      32               none",
    "target        48        2       16     0.0002  96      32               privacy-qa",
    "probing       32        1       16     0.0002  160     24               none",
]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project without results, in which a study of one's own is `mine.yaml`."""
    project = copy_project(tmp_path_factory.mktemp("defaults") / "interlude")
    (project.root / "mine.yaml").write_text(yaml.safe_dump(MINE))
    return project


def snakemake(project: Project, *arguments: str) -> str:
    """Return what snakemake prints where no config is named, stderr in stdout."""
    return forked.snakemake(["--cores", "1", *arguments], project.root, os.environ).stdout


def settings(printed: str) -> list[dict[str, Any]]:
    """Return the settings that each training of a dry run is told."""
    found = re.findall(r"\"settings\": (\{.*?\})", printed)
    return [json.loads(text) for text in found]


def test_a_study_of_ones_own_has_the_documented_defaults(clone: Project) -> None:
    shown = ("-n", "--printshellcmds", "--quiet", "host")
    told = settings(snakemake(clone, *shown, "--configfile", "mine.yaml"))
    assert told == [vars(Settings())] * 3


@pytest.mark.parametrize("changes", [(), ("--config", "restarts=1")], ids=["nothing", "--config"])
def test_without_a_config_file_the_default_study_is_run(
    changes: tuple[str, ...], clone: Project
) -> None:
    printed = snakemake(clone, "-n", *changes)
    assert "\n".join(OF_THE_DEFAULT_STUDY) in printed
    trained = sum(map(int, re.findall(r"^train\w* +(\d+)", printed.split("Job stats")[1], re.M)))
    assert trained == (15 if changes else 45)


@pytest.mark.parametrize("missing", ["study", "encoder"])
def test_what_has_no_default_is_named(missing: str, clone: Project) -> None:
    left = {key: value for key, value in MINE.items() if key != missing}
    (clone.root / "incomplete.yaml").write_text(yaml.safe_dump(left))
    printed = snakemake(clone, "-n", "--configfile", "incomplete.yaml", "--config", "restarts=1")
    said = rf"incomplete\.yaml \+ --config: top level: no key '{missing}'.*Needed: study, encoder\."
    assert re.search(said, printed)
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    "command",
    [("--lint",), ("--unlock",), ("--mode", "remote", "--dry-run"), ("--list-rules",)],
    ids=lambda command: command[0],
)
def test_limits_are_not_said_where_nothing_is_started(
    command: tuple[str, ...], clone: Project
) -> None:
    assert "what trainings may use" not in snakemake(clone, *command)


def test_limits_are_said_once_in_a_dry_run(clone: Project) -> None:
    printed = snakemake(clone, "-n", "--configfile", "tiny.yaml")
    assert printed.count("\n".join(OF_THE_TINY_STUDY)) == 1
    assert printed.count("what trainings may use") == 1


def test_limits_and_rows_are_said_once_and_before_the_first_training(
    finished: Project, tmp_path: Path
) -> None:
    project = copy_prepared(finished, tmp_path / "interlude")
    shutil.rmtree(project.root / "results/encoded")
    one = ("--config", "restarts=1")
    printed = project.run("--cores", "1", *one, "--", "targets")
    assert printed.count("\n".join(OF_THE_TINY_STUDY)) == 1
    tables = [
        "role          task     rows trained on  rows validated on  epochs  rate    length",
        "intermediate  sarcasm  64 of 22891      32 of 5723         2       0.0001  96",
        "role    task         rows trained on  rows validated on  epochs  rate     length",
        "target  finance-ner  48 of 815        32 of 349          2       0.0002   96",
        "target  privacy-qa   48 of 7632       32 of 3291         2       0.00015  96",
    ]
    for line in tables:
        assert printed.count(line) == 1
        assert printed.index(line) < printed.index(", restart 1: step 1 of")
    assert not (project.root / "results/tiny/data/probing.csv").exists()


def test_rows_of_a_finished_study_are_kept_as_a_table(finished: Project) -> None:
    with (finished.root / "results/tiny/data/target.csv").open(encoding="utf8") as file:
        rows = {row["task"]: row for row in csv.DictReader(file)}
    assert rows["privacy-qa"] == {
        "role": "target",
        "task": "privacy-qa",
        "train_rows": "7632",
        "validation_rows": "3291",
        "train_rows_used": "48",
        "validation_rows_used": "32",
        "epochs": "2",
        "steps": "",
        "learning_rate": "0.00015",
        "max_length": "96",
    }


@pytest.mark.parametrize("also", ["tables of rows are kept", "and their tables"])
def test_deleted_data_are_not_made_again_to_be_described(
    also: str, finished: Project, tmp_path: Path
) -> None:
    project = Project(tmp_path / "interlude")
    shutil.copytree(finished.root, project.root)
    for part in ("data", "encoded"):
        shutil.rmtree(project.root / "results" / part)
    if also == "and their tables":
        shutil.rmtree(project.root / "results/tiny/data")
    assert project.planned() == {}
    assert project.planned("targets") == {}


def test_another_study_with_the_same_trainings_describes_its_own(finished: Project) -> None:
    """A table of rows has the study's name: no training may wait for it."""
    planned = finished.planned("--config", "study=other", "--", "intermediate")
    assert planned["describe_data"] == 1
    assert not {"normalise_task", "encode_task"} & planned.keys()
