"""A training short of memory, for real: what is recorded, and that a retry is as good."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import tiny

from interlude.jobs.arguments import Job
from interlude.jobs.perform import perform

ROOT = Path(__file__).parents[3]
TRAIN = ROOT / "workflow/scripts/train.py"
RECORD_FAILURE = ROOT / "workflow/scripts/record_failure.py"
CGROUPS = Path("/sys/fs/cgroup/memory")  # v1
MOST = 150_000_000  # bytes; importing torch takes more

# As `ulimit -v` in the shell that starts it, but with what the imports take left free.
LIMITED = """
import resource, runpy, sys
import interlude.jobs.perform, transformers.modeling_utils
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(),) * 2)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
IN_GROUP = 'echo $$ > "$0/cgroup.procs"; exec "$@"'


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A memory cgroup with a limit; skips where none may be made."""
    group = CGROUPS / f"interlude-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(MOST))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here, which takes root and cgroup v1: {error}")
    yield group
    group.rmdir()


@pytest.fixture
def told(model: Path, encoded: dict[str, Path], tmp_path: Path) -> list[str]:
    """The arguments of a training that leaves its record in tmp_path/first."""
    return tiny.arguments(a_job(model, encoded, tmp_path / "first"))


def a_job(model: Path, encoded: dict[str, Path], folder: Path) -> Job:
    return tiny.job(tiny.training("single"), tiny.files(model, encoded["single"], folder))


def recorded(
    command: list[str], told: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Carry out a training that has no retry left, as its rule does; return the reason left."""
    log = folder / "job.log"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with log.open("w") as out:
        ended = subprocess.run(
            [*command, str(TRAIN), *told], stdout=out, stderr=out, env=environment, check=False
        )
    status = 128 - ended.returncode if ended.returncode < 0 else ended.returncode
    assert status
    more = ["--exit-status", str(status), "--retries-left", "0", "--log", str(log)]
    monkeypatch.setattr(sys, "argv", ["record_failure.py", *told, *more])
    runpy.run_path(str(RECORD_FAILURE), run_name="__main__")
    record = tiny.read_record(tiny.files(folder, folder, folder / "first"))
    assert record["status"] == "failed"
    return str(record["reason"])


def test_a_training_beyond_its_limit_fails_and_a_retry_gives_the_bytes_of_an_undisturbed_one(
    told: list[str],
    model: Path,
    encoded: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = recorded([sys.executable, "-c", LIMITED], told, tmp_path, monkeypatch)
    assert reason.startswith("exit status 1: out of memory: ")
    jobs = [a_job(model, encoded, tmp_path / name) for name in ("first", "other")]
    for job in jobs:
        perform(job, 1, lambda _: None)
    retried, undisturbed = (job.files for job in jobs)
    assert tiny.read_record(retried)["status"] == "ok"
    assert retried.predictions.read_bytes() == undisturbed.predictions.read_bytes()


def test_a_training_that_the_kernel_kills_for_memory_is_recorded_as_such(
    told: list[str], small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["bash", "-c", IN_GROUP, str(small_group), sys.executable]
    reason = recorded(command, told, tmp_path, monkeypatch)
    assert reason.startswith("exit status 137: killed, as the kernel does when memory is short")
