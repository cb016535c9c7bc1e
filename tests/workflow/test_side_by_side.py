"""Two Snakemakes at once, a config that is changed meanwhile, trainings that share one GPU."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from helpers import tiny
from helpers.pretended import pretend_gpus
from helpers.project import Project, snakemake_command

from interlude.jobs.machine import memory_mb

SMALL = {
    "study": "small",
    "intermediate": [],
    "target": ["privacy-qa"],
    "probing": [],
    "compute": {"shared": None},
}


@dataclass(frozen=True)
class Disturbed:
    """What became of a study that was disturbed while it trained."""

    project: Project
    trainings: list[Path]
    planned: list[bytes]  # predictions of the same trainings, undisturbed
    output: str  # of the first Snakemake, with its exit status in the last line
    second: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def disturbed(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """Two baselines of the finished study, once more as a study of their own.

    It has two cores and one GPU. While they train, a second Snakemake is started and the seed of
    the config is changed.
    """
    project = Project(tmp_path_factory.mktemp("disturbed") / "interlude")
    shutil.copytree(finished.root, project.root, symlinks=True)
    trainings = [
        project.trained(source="none", task="privacy-qa", restart=restart) for restart in (1, 2)
    ]
    planned = [predictions(project, training) for training in trainings]
    for training in trainings:
        shutil.rmtree(project.root / training)
        log_of(project, training).unlink()
    overlay = yaml.safe_load((project.root / "tiny.yaml").read_text()) | SMALL
    config = tiny.write_yaml(project.root / "small.yaml", overlay)
    folder = tmp_path_factory.mktemp("gpu")
    path = pretend_gpus(folder, ["GPU-only"])
    environment = {**os.environ, "PATH": path, "TMPDIR": str(folder)}
    asked = ["--configfile", "small.yaml", "--cores", "2", "--quiet", "host", "--", "targets"]
    command = [*snakemake_command(), *asked]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=project.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    first = start()
    wait_for(lambda: any(log_of(project, training).exists() for training in trainings))
    first.send_signal(signal.SIGSTOP)  # else it may be done before the second one begins
    second = start()
    said, _ = second.communicate(timeout=120)
    config.write_text(yaml.safe_dump(overlay | {"seed": 2}))
    first.send_signal(signal.SIGCONT)
    output, _ = first.communicate(timeout=300)
    ended = subprocess.CompletedProcess(command, second.returncode, said)
    output = f"{output}\nexit status {first.returncode}"
    return Disturbed(project, trainings, planned, output, ended)


def predictions(project: Project, training: Path) -> bytes:
    return (project.root / training / "predictions.parquet").read_bytes()


def log_of(project: Project, training: Path) -> Path:
    return project.root / f"results/logs/train/{training.name}.log"


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within two minutes"
        time.sleep(0.05)


def test_a_second_snakemake_on_the_same_folder_is_refused_and_the_first_ends_well(
    disturbed: Disturbed,
) -> None:
    assert disturbed.second.returncode == 1
    assert "Directory cannot be locked" in disturbed.second.stdout
    assert "no other instances of snakemake are running" in disturbed.second.stdout
    assert disturbed.output.endswith("\nexit status 0"), disturbed.output


def test_a_started_study_comes_out_as_it_was_planned(disturbed: Disturbed) -> None:
    again = [predictions(disturbed.project, training) for training in disturbed.trainings]
    assert again == disturbed.planned
    assert disturbed.project.planned("targets") == {}


def test_what_snakemake_starts_has_a_name_for_people(disturbed: Disturbed) -> None:
    started = re.findall(r"^Job \d+: (.*)$", disturbed.output, re.M)
    wanted = [f"single target: none > privacy-qa, restart {k}" for k in (1, 2)]
    assert sorted(started[:2]) == wanted  # whichever Snakemake takes first


def test_the_next_start_trains_what_the_changed_config_changes(disturbed: Disturbed) -> None:
    changed = disturbed.project.planned("targets", "--configfile", "small.yaml")
    assert changed == {"train_target": 2}


def test_two_trainings_never_overlap_on_one_gpu_though_there_are_two_cores(
    disturbed: Disturbed,
) -> None:
    logs = [disturbed.project.log(training) for training in disturbed.trainings]
    assert {log.splitlines()[0] for log in logs} == {"on GPU-only"}
    assert "waiting for a GPU" not in disturbed.output  # Snakemake started one at a time
    (_, ended), (started, _) = sorted(
        trained(disturbed.project.root / training / "record.json")
        for training in disturbed.trainings
    )
    assert ended <= started


def test_trainings_together_get_no_more_memory_than_the_machine_has(disturbed: Disturbed) -> None:
    provided = re.search(r'Resource\("mem_mb", (\d+)\)', disturbed.output)
    assert provided is not None
    assert int(provided[1]) == memory_mb()


def trained(record: Path) -> tuple[float, float]:
    """Return when a training began and ended, in seconds."""
    seconds = yaml.safe_load(record.read_text())["total_seconds"]
    ended = record.stat().st_mtime
    return ended - seconds, ended


def test_a_job_that_reads_a_changed_config_on_a_compute_node_refuses_to_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERLUDE_CONFIG", "what the study was started with")
    job = project.snakemake("--mode", "remote", "--cores", "1", "download")
    assert job.returncode == 1
    assert "The config was changed while its study ran. Start Snakemake again." in job.stdout
    assert not (project.root / "results").exists()
