"""Two Snakemakes at once, a config that is changed meanwhile, runs that share one GPU."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny
import yaml
from pretended import pretend_gpus
from project import Project, snakemake_command

from interlude.jobs.machine import memory_mb

RUNS = "runs/target/none/privacy-qa"
SMALL = {"study": "small", "intermediate": [], "target": ["privacy-qa"], "probing": []}


@dataclass(frozen=True)
class Disturbed:
    """What became of a study that was disturbed while its runs trained."""

    project: Project
    output: str  # of the first Snakemake, with its exit status in the last line
    second: subprocess.CompletedProcess[str]

    @property
    def folder(self) -> Path:
        return self.project.root / "results/small"


@pytest.fixture(scope="module")
def disturbed(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """Two baselines of the finished study as a study of their own, on two cores and one GPU.

    While they train, a second Snakemake is started and the seed of the config is changed.
    """
    overlay = yaml.safe_load((finished.root / "tiny.yaml").read_text()) | SMALL
    config = tiny.write_yaml(finished.root / "small.yaml", overlay)
    folder = tmp_path_factory.mktemp("gpu")
    path = pretend_gpus(folder, ["GPU-only"])
    environment = {**os.environ, "PATH": path, "TMPDIR": str(folder)}
    asked = ["--configfile", "small.yaml", "--cores", "2", "--quiet", "host", "--", "targets"]
    command = [*snakemake_command(), *asked]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=finished.root,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    first = start()
    wait_for(lambda: list((finished.root / "results/small/logs").rglob("privacy-qa-*.log")))
    second = start()
    said, _ = second.communicate(timeout=120)
    config.write_text(yaml.safe_dump(overlay | {"seed": 2}))
    output, _ = first.communicate(timeout=300)
    ended = subprocess.CompletedProcess(command, second.returncode, said)
    return Disturbed(finished, f"{output}\nexit status {first.returncode}", ended)


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
    for restart in (1, 2):
        name = f"{RUNS}/{restart}.parquet"
        planned = disturbed.project.root / "results/tiny" / name
        assert (disturbed.folder / name).read_bytes() == planned.read_bytes()


def test_the_next_start_runs_what_the_changed_config_changes(disturbed: Disturbed) -> None:
    changed = disturbed.project.snakemake("-n", "targets", "--configfile", "small.yaml")
    assert "train_target        2\ntargets             1\ntotal               3" in changed.stdout
    assert "params have changed since last execution" in changed.stdout


def test_two_runs_never_overlap_on_one_gpu_though_there_are_two_cores(
    disturbed: Disturbed,
) -> None:
    logs = [disturbed.folder / f"logs/target/none/privacy-qa-{k}.log" for k in (1, 2)]
    assert {log.read_text().splitlines()[0] for log in logs} == {"on GPU-only"}
    assert "waiting for a GPU" not in disturbed.output  # Snakemake started one at a time
    (_, ended), (started, _) = sorted(
        trained(disturbed.folder / f"{RUNS}/{restart}.json") for restart in (1, 2)
    )
    assert ended <= started


def test_runs_ask_for_memory_and_together_for_no_more_than_the_machine_has(
    disturbed: Disturbed,
) -> None:
    provided = re.search(r'Resource\("mem_mb", (\d+)\)', disturbed.output)
    assert provided is not None
    assert int(provided[1]) == memory_mb()
    model = disturbed.project.root / "results/models/minilm-l6/model.safetensors"
    needed = 1000 + 5 * model.stat().st_size // 10**6
    assert re.findall(r" mem_mb=(\d+)", disturbed.output) == [str(needed)] * 2


def trained(record: Path) -> tuple[float, float]:
    """Return when a run began and ended, in seconds."""
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
