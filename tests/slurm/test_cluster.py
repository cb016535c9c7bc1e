"""The tiny study on a real SLURM of one node, through the profiles that the project ships.

Jobs are slow to start, so it is one study in three acts: it is hurt and cancelled, then continued
to its end, then repaired. At last its records are those of the undisturbed local run.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from filelock import FileLock
from helpers.project import Project, copy_prepared

T = TypeVar("T")
ONEBOX = Path(__file__).with_name("onebox.sh")
PYTHON = Path(sys.prefix) / "slurm/bin/python"  # has Snakemake's cluster plugins: `make slurm`
CANNOT_START = 75
PATIENCE = 600  # s; ends a test that hangs, decides none
ON_SLURM = [
    *("--workflow-profile", "slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1"),
]

# Snakemake, asking each second what became of its jobs. By itself it asks 10 s later each time that
# none has completed, up to 3 minutes, and no option says otherwise.
ASKING = """
from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
RemoteExecutor.next_seconds_between_status_checks = property(lambda _: 1, lambda *_: None)
main()
"""
OVERLAY = Path(__file__).with_name("tiny.yaml")
N_CELLS = 5

Cell = dict[str, Any]  # values of some columns of plan.csv

COMPLETE = "results/tiny/complete.txt"
SHORT_OF_MEMORY: Cell = {"role": "intermediate", "restart": 1}  # on its first try
HOPELESS: Cell = {"source": "none", "task": "disfl-qa", "restart": 1}  # on each try
KILLED: Cell = {"source": "none", "task": "privacy-qa", "restart": 1}  # by scancel, once
STARTED: list[Cell] = [{**KILLED, "source": "sarcasm"}, {**HOPELESS, "source": "sarcasm"}]
# MB of address space; a tiny training takes 3000, recording its failure 900
LITTLE, PROFILE = "1500", "16000 * attempt"


@pytest.fixture(scope="module", autouse=True)
def slurm() -> Iterator[None]:
    """SLURM on the loopback interface, stopped afterwards; skips where it cannot be started.

    A machine has one of it: tests of another checkout wait for their turn.
    """
    if not PYTHON.exists():
        pytest.skip(f"no {PYTHON}: make slurm installs SLURM and Snakemake's cluster plugins")
    with FileLock(Path(tempfile.gettempdir()) / "interlude-onebox.lock"):
        try:
            started = subprocess.run(
                [ONEBOX, "start"], text=True, stderr=subprocess.PIPE, check=False
            )
            if started.returncode == CANNOT_START:
                pytest.skip(started.stderr.strip())
            assert started.returncode == 0, started.stderr
            yield
        finally:
            subprocess.run([ONEBOX, "stop"], check=True)


@pytest.fixture(scope="module")
def clone(slurm: None, finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the data and encoded tasks of the local one, and five of its trainings."""
    project = copy_prepared(finished, tmp_path_factory.mktemp("slurm") / "interlude")
    shutil.copyfile(OVERLAY, project.root / "tiny.yaml")
    project.run("plan")
    return project


def ask(project: Project, rule: str, resource: str, value: str) -> None:
    """Set what the SLURM profile asks for, as a site would."""
    path = project.root / "profiles/slurm/config.yaml"
    pattern = rf"(  {rule}:.*?)(?:# )?({resource}: )[^\n]+"
    path.write_text(re.sub(pattern, rf"\g<1>\g<2>{value}", path.read_text(), count=1, flags=re.S))


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
    command = [str(PYTHON), "-c", ASKING, "--configfile", "tiny.yaml", *arguments]
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


def jobs_of(training: Path) -> list[dict[str, str]]:
    """Return the jobs of a training, oldest first. Snakemake tells SLURM rule and wildcards."""
    return [job for job in jobs() if job.get("Comment", "").endswith(f"_wildcards_{training.name}")]


def in_state(*states: str) -> list[dict[str, str]]:
    return [job for job in jobs() if job["JobState"] in states]


def process_of(project: Project, cell: Cell) -> psutil.Process | None:
    """Return the process of a cell's training in this project: others may train the same."""
    training = str(project.trained(**cell))
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        is_training = training in words and "workflow/scripts/train.py" in words
        if is_training and process.info["cwd"] == str(project.root):
            return process
    return None


def results(project: Project, trainings: Iterable[Path]) -> list[tuple[float, bytes]]:
    """Return score and bytes of the predictions of each training."""
    return [
        (
            project.record_in(training)["parts"][0]["score"],
            (project.root / training / "predictions.parquet").read_bytes(),
        )
        for training in trainings
    ]


@dataclass(frozen=True)
class Cancelled:
    """The first act: what was seen while the study was hurt, and what the cancelling left."""

    offline: str  # HF_HUB_OFFLINE of a training job
    left: list[dict[str, str]]  # jobs in the queue
    records: dict[Path, int]


@pytest.fixture(scope="module")
def cancelled(clone: Project) -> Cancelled:
    """Two trainings are short of memory, one is killed by scancel, then comes Ctrl-C."""
    ask(clone, "train_intermediate", "mem_mb", f"{LITTLE} if attempt == 1 else 16000")
    hopeless = f'wildcards.id == "{clone.trained(**HOPELESS).name}"'
    ask(clone, "train_probe", "mem_mb", f"'{LITTLE} if {hopeless} else {PROFILE}'")
    ask(clone, "train_probe", "runtime", "720")
    killed = clone.trained(**KILLED)
    study = start(clone, *ON_SLURM, COMPLETE)
    try:
        training = study.until(lambda: process_of(clone, KILLED), "a training")
        offline = training.environ().get("HF_HUB_OFFLINE", "")
        subprocess.run(["scancel", jobs_of(killed)[0]["JobId"]], check=True)
        for cell in STARTED:
            held = study.until(partial(process_of, clone, cell), "a training to cancel")
            held.suspend()
        study.until(lambda: study.log.read_text().count("Finished: ") == 3, "the end of three")
    finally:
        study.process.send_signal(signal.SIGINT)
        study.end()
    return Cancelled(offline, in_state("RUNNING", "PENDING"), clone.trained_at())


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


def tries(project: Project, cell: Cell) -> list[tuple[str, str]]:
    """Return how each job of a training ended, and the memory that it had asked for."""
    return [(job["JobState"], job["MinMemoryNode"]) for job in jobs_of(project.trained(**cell))]


def test_a_training_short_of_memory_is_retried_with_more(
    clone: Project, cancelled: Cancelled
) -> None:
    assert tries(clone, SHORT_OF_MEMORY) == [("FAILED", f"{LITTLE}M"), ("COMPLETED", "16000M")]
    assert clone.record(**SHORT_OF_MEMORY)["status"] == "ok"


def test_a_killed_training_is_retried_and_not_recorded_as_failed(
    clone: Project, cancelled: Cancelled
) -> None:
    assert tries(clone, KILLED) == [("CANCELLED", "16000M"), ("COMPLETED", "32000M")]
    assert clone.record(**KILLED)["status"] == "ok"


def test_a_cancelled_study_leaves_no_job_and_no_unfinished_record(
    clone: Project, cancelled: Cancelled
) -> None:
    assert cancelled.left == []
    finished = {clone.trained(**cell) for cell in (SHORT_OF_MEMORY, HOPELESS, KILLED)}
    assert cancelled.records.keys() == finished


def test_compute_nodes_are_offline(cancelled: Cancelled) -> None:
    assert cancelled.offline == "1"


def test_a_continued_study_does_nothing_twice(
    clone: Project, cancelled: Cancelled, repaired: None
) -> None:
    hopeless = clone.trained(**HOPELESS)  # once more, when it was asked for
    kept = {path: when for path, when in cancelled.records.items() if path != hopeless}
    assert kept.items() < clone.trained_at().items()


def test_a_hopeless_training_is_recorded_on_its_last_try_and_the_others_go_on(
    clone: Project, continued: str
) -> None:
    # the job of the last try completes: it leaves the record that says what happened
    assert tries(clone, HOPELESS)[:2] == [("FAILED", f"{LITTLE}M"), ("COMPLETED", f"{LITTLE}M")]
    assert f"1 of {N_CELLS} scores have no result" in continued
    name = "single probing: none > disfl-qa, restart 1"
    # what torch says, or the library of its products, whichever is short of memory first
    words = "allocate memory|could not create a primitive"
    assert re.search(rf"^  {name}: exit status 1: .*({words})", continued, re.M)


def test_every_training_asks_for_a_gpu_and_nothing_else_is_a_job(continued: str) -> None:
    submitted = [job for job in jobs() if "Comment" in job]
    assert {job["TresPerJob"] for job in submitted} == {"gres:gpu:1"}
    rules = {job["Comment"].split("_wildcards_")[0] for job in submitted}
    assert rules == {"rule_train_intermediate", "rule_train_target", "rule_train_probe"}


def test_a_site_gives_each_rule_its_time_and_else_it_follows_from_the_planned_tokens(
    clone: Project, continued: str
) -> None:
    assert {job["TimeLimit"] for job in jobs_of(clone.trained(**HOPELESS))} == {"12:00:00"}
    for cell in (SHORT_OF_MEMORY, KILLED):  # each tried twice
        limits = [job["TimeLimit"] for job in jobs_of(clone.trained(**cell))]
        assert limits == ["00:21:00", "00:42:00"]


def test_the_generic_profile_runs_a_job_to_its_end(clone: Project, repaired: None) -> None:
    last = jobs()[-1]
    assert (last["JobName"], last["JobState"]) == ("train_probe", "COMPLETED")
    assert clone.record(**HOPELESS)["status"] == "ok"


def test_the_records_are_those_of_a_local_run(
    clone: Project, finished: Project, repaired: None
) -> None:
    trainings = clone.trained_at()
    assert (clone.root / COMPLETE).exists()
    assert len(trainings) == N_CELLS
    assert results(clone, trainings) == results(finished, trainings)


def test_a_study_that_ended_on_the_cluster_has_nothing_left_to_do(
    clone: Project, repaired: None
) -> None:
    study = start(clone, *ON_SLURM, "--dry-run", COMPLETE)
    assert "Nothing to be done" in study.end()
    assert clone.planned(COMPLETE) == {}  # nor on the login node


TOGETHER = {"role": "target", "task": "privacy-qa"}  # from each source
IN_ONE_JOB = [
    *("--groups", "train_target=runs", "--group-components", "runs=2"),
    *("--resources", "gpu=1", "--set-resource-scopes", "gpu=local"),
]


def test_two_trainings_in_one_job_ask_for_the_gpu_of_one_and_the_time_of_both(
    clone: Project, finished: Project, repaired: None
) -> None:
    trainings = [Path("results/trained", cell.training) for cell in clone.cells(**TOGETHER)]
    for training in trainings:
        (clone.root / training / "record.json").unlink()
    before = len(jobs())
    records = [str(training / "record.json") for training in trainings]
    study = start(clone, *ON_SLURM, *IN_ONE_JOB, "--", *records)
    output = study.end()
    assert study.process.returncode == 0, output
    (job,) = jobs()[before:]
    asked = {name: job[name] for name in ("TresPerJob", "MinMemoryNode", "TimeLimit")}
    assert asked == {
        "TresPerJob": "gres:gpu:1",
        "MinMemoryNode": "16000M",
        "TimeLimit": "00:42:00",
    }
    assert len(trainings) == 2
    assert results(clone, trainings) == results(finished, trainings)
