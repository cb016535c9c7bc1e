"""The tiny study on a real SLURM of one node, through the profiles that the project ships.

Jobs are slow to start, so it is one study in three acts: it is hurt and cancelled, then continued
to its end, then repaired. At last its records are those of the undisturbed local run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from project import Project, copy_project

T = TypeVar("T")
ONEBOX = Path(__file__).with_name("onebox.sh")
PYTHON = Path(sys.prefix) / "slurm/bin/python"  # has Snakemake's cluster plugins: `make slurm`
CANNOT_START = 75
PATIENCE = 600  # s; ends a test that hangs, decides none
ON_SLURM = [
    *("--workflow-profile", "slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1"),
]

OVERLAY = Path(__file__).with_name("tiny.yaml")
N_RUNS = 5

RUNS = Path("results/tiny/runs")
COMPLETE = "results/tiny/complete.txt"
SHORT_OF_MEMORY = "intermediate/none/sarcasm/1"  # on its first try
HOPELESS = "probing/none/disfl-qa/1"  # short of memory on each try
KILLED = "target/none/privacy-qa/1"  # by scancel, once
# MB of address space; a tiny run takes 3000, recording its failure 900
LITTLE, PROFILE = "1500", "16000 * attempt"


@pytest.fixture(scope="module", autouse=True)
def slurm() -> Iterator[None]:
    """SLURM on the loopback interface, stopped afterwards; skips where it cannot be started."""
    if not PYTHON.exists():
        pytest.skip(f"no {PYTHON}: make slurm installs SLURM and Snakemake's cluster plugins")
    try:
        started = subprocess.run([ONEBOX, "start"], text=True, stderr=subprocess.PIPE, check=False)
        if started.returncode == CANNOT_START:
            pytest.skip(started.stderr.strip())
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run([ONEBOX, "stop"], check=True)


@pytest.fixture(scope="module")
def clone(slurm: None, finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the downloads and encoded tasks of the local one, and five of its runs."""
    project = copy_project(tmp_path_factory.mktemp("slurm") / "interlude")
    for shared in ("archives", "data", "models", "encoded"):
        place = Path("results") / shared
        shutil.copytree(finished.root / place, project.root / place, copy_function=os.link)
    shutil.copyfile(OVERLAY, project.root / "tiny.yaml")
    return project


def set_memory(project: Project, rule: str, mem_mb: str) -> None:
    """Set what the SLURM profile asks for, as a site would."""
    path = project.root / "profiles/slurm/config.yaml"
    pattern = rf"(  {rule}:.*?mem_mb: )[^\n]+"
    path.write_text(re.sub(pattern, rf"\g<1>{mem_mb}", path.read_text(), count=1, flags=re.S))


@dataclass(frozen=True)
class Study:
    """A snakemake command on the tiny study, and where it writes what it says."""

    process: subprocess.Popen[str]
    log: Path

    def end(self) -> str:
        """Wait for the end and return what was said."""
        self.process.wait(PATIENCE)
        return self.log.read_text()

    def until(self, event: Callable[[], T | None], what: str) -> T:
        """Wait until an event returns something true; it must happen before the study ends."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            if seen := event():
                return seen
            time.sleep(0.1)
        return pytest.fail(f"{what} was not seen:\n{self.log.read_text()}")


def start(project: Project, *arguments: str) -> Study:
    """Start snakemake on the tiny study."""
    log = project.root / "snakemake.log"
    command = [str(PYTHON), "-m", "snakemake", "--configfile", "tiny.yaml", *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=project.root, text=True, stdout=output, stderr=subprocess.STDOUT
        )
    return Study(process, log)


def jobs() -> list[dict[str, str]]:
    """Return all jobs that SLURM remembers, oldest first, in its own words."""
    shown = subprocess.check_output(["scontrol", "show", "job", "--oneliner"], text=True)
    facts = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in shown.splitlines()]
    return sorted((job for job in facts if "JobId" in job), key=lambda job: int(job["JobId"]))


def jobs_of(run: str) -> list[dict[str, str]]:
    """Return the jobs of a run, oldest first. Snakemake tells SLURM rule and wildcards."""
    kind, source, task, restart = run.split("/")
    started_from = "" if kind == "intermediate" else f"{source}_"
    return [
        j for j in jobs() if j["Comment"].endswith(f"_wildcards_{started_from}{task}_{restart}")
    ]


def in_state(*states: str) -> list[dict[str, str]]:
    return [job for job in jobs() if job["JobState"] in states]


def training_of(run: str) -> psutil.Process | None:
    """Return the process that trains a run."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if f"{RUNS}/{run}.json" in words and "workflow/scripts/train.py" in words:
            return process
    return None


def results(project: Project) -> dict[str, tuple[float, bytes]]:
    """Return score and bytes of the predictions of each run of the first restart."""
    return {
        str(path.relative_to(project.root)): (
            json.loads(path.read_text())["score"],
            path.with_suffix(".parquet").read_bytes(),
        )
        for path in (project.root / RUNS).rglob("1.json")
    }


def written(project: Project) -> dict[Path, int]:
    """Return when each record was written, in ns."""
    return {path: path.stat().st_mtime_ns for path in (project.root / RUNS).rglob("*.json")}


@dataclass(frozen=True)
class Cancelled:
    """The first act: what was seen while the study was hurt, and what the cancelling left."""

    offline: str  # HF_HUB_OFFLINE of a training job
    left: list[dict[str, str]]  # jobs in the queue
    records: dict[Path, int]


@pytest.fixture(scope="module")
def cancelled(clone: Project) -> Cancelled:
    """Two runs are short of memory, one is killed by scancel, then comes Ctrl-C."""
    set_memory(clone, "train_intermediate", f"{LITTLE} if attempt == 1 else 16000")
    hopeless = 'wildcards.task + " " + wildcards.source == "disfl-qa none"'
    set_memory(clone, "train_probe", f"'{LITTLE} if {hopeless} else {PROFILE}'")
    study = start(clone, *ON_SLURM, COMPLETE)
    try:
        training = study.until(lambda: training_of(KILLED), "a training")
        offline = training.environ().get("HF_HUB_OFFLINE", "")
        subprocess.run(["scancel", jobs_of(KILLED)[0]["JobId"]], check=True)
        study.until(lambda: study.log.read_text().count("Finished jobid") == 3, "the end of three")
        study.until(lambda: in_state("RUNNING"), "a job to cancel")
    finally:
        study.process.send_signal(signal.SIGINT)
        study.end()
    return Cancelled(offline, in_state("RUNNING", "PENDING"), written(clone))


@pytest.fixture(scope="module")
def continued(clone: Project, cancelled: Cancelled) -> str:
    """The second act: the same command again, and what Snakemake said in the end."""
    return start(clone, *ON_SLURM, COMPLETE).end()


@pytest.fixture(scope="module")
def repaired(clone: Project, continued: str) -> None:
    """The third act: the command that Snakemake named, with the other profile, which has memory."""
    retry = continued.split("To try them again: snakemake --cores all ")[1].splitlines()[0]
    profile = ("--workflow-profile", "cluster-generic")
    study = start(clone, *profile, *retry.split(), "--", COMPLETE)
    output = study.end()
    assert study.process.returncode == 0, output


def record(project: Project, run: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((project.root / RUNS / f"{run}.json").read_text())
    return content


def tries(run: str) -> list[tuple[str, str]]:
    """Return how each job of a run ended, and the memory that it had asked for."""
    return [(job["JobState"], job["MinMemoryNode"]) for job in jobs_of(run)]


def test_a_run_short_of_memory_is_retried_with_more(clone: Project, cancelled: Cancelled) -> None:
    assert tries(SHORT_OF_MEMORY) == [("FAILED", f"{LITTLE}M"), ("COMPLETED", "16000M")]
    assert record(clone, SHORT_OF_MEMORY)["status"] == "ok"


def test_a_killed_run_is_retried_and_not_recorded_as_failed(
    clone: Project, cancelled: Cancelled
) -> None:
    assert tries(KILLED) == [("CANCELLED", "16000M"), ("COMPLETED", "32000M")]
    assert record(clone, KILLED)["status"] == "ok"


def test_a_cancelled_study_leaves_no_job_and_no_unfinished_record(
    clone: Project, cancelled: Cancelled
) -> None:
    assert cancelled.left == []
    finished = {clone.root / RUNS / f"{run}.json" for run in (SHORT_OF_MEMORY, HOPELESS, KILLED)}
    assert cancelled.records.keys() == finished


def test_compute_nodes_are_offline(cancelled: Cancelled) -> None:
    assert cancelled.offline == "1"


def test_a_continued_study_does_nothing_twice(cancelled: Cancelled, continued: str) -> None:
    again = {path: path.stat().st_mtime_ns for path in cancelled.records}
    assert again == cancelled.records


def test_a_hopeless_run_is_recorded_on_its_last_try_and_the_others_go_on(continued: str) -> None:
    # the job of the last try completes: it leaves the record that says what happened
    assert tries(HOPELESS)[:2] == [("FAILED", f"{LITTLE}M"), ("COMPLETED", f"{LITTLE}M")]
    assert f"1 of {N_RUNS} runs have no result" in continued
    assert re.search(rf"{HOPELESS}.json: exit status 1: .*allocate memory", continued)


def test_every_training_asks_for_a_gpu_and_nothing_else_is_a_job(continued: str) -> None:
    submitted = [job for job in jobs() if "Comment" in job]
    assert {job["TresPerJob"] for job in submitted} == {"gres:gpu:1"}
    rules = {job["Comment"].split("_wildcards_")[0] for job in submitted}
    assert rules == {"rule_train_intermediate", "rule_train_target", "rule_train_probe"}


def test_the_generic_profile_runs_a_job_to_its_end(clone: Project, repaired: None) -> None:
    last = jobs()[-1]
    assert (last["JobName"], last["JobState"]) == ("train_probe", "COMPLETED")
    assert record(clone, HOPELESS)["status"] == "ok"


def test_the_records_are_those_of_a_local_run(
    clone: Project, finished: Project, repaired: None
) -> None:
    local = results(finished)
    assert (clone.root / COMPLETE).exists()
    assert len(results(clone)) == N_RUNS
    assert results(clone) == {run: local[run] for run in results(clone)}
