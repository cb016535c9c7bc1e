"""MiniLM's shape: how many runs a second one GPU carries, and what a start costs there.

As jobs run today, each a fork of the process with the slow imports, with a context of CUDA of its
own, without and with the lock that says how many share the GPU; and as they could be, in processes
that stay and train one run after another.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import psutil

from bench.light import card
from bench.light.job import Job, Row
from bench.light.material import MINILM, TINY
from bench.light.processes import train_command
from bench.light.runs import TINY as SETTINGS
from bench.material import Material
from interlude.jobs.runtime import owner
from interlude.jobs.warm.between import OWNER
from interlude.plan.settings import Settings

AT_ONCE = (1, 2, 4, 8)
EACH = 2  # runs in a row, where processes stay
ALLOWED = AT_ONCE[-1]  # on the GPU, as compute.runs_per_gpu says
# As the target trainings of the default study.
TARGET = Settings(
    epochs=2,
    batch_size=16,
    learning_rate=2e-4,
    max_length=128,
    validation_examples=300,
    evaluations=2,
)
TARGET_EXAMPLES = 512
TIMES = ("total_seconds", "train_seconds", "evaluation_seconds", "steps")  # of a record
GO = "go\n"


def cold(job: Job) -> Iterator[Row]:
    """One run in a process of its own, imports and all."""
    started = time.perf_counter()
    status = job.run(train_command(job, *_run(job), job.folder)).returncode
    yield {
        "what": "one run, in a process of its own",
        "ok": status == 0,
        "seconds": time.perf_counter() - started,
        **_recorded(job.folder),
    }


def forked(job: Job) -> Iterator[Row]:
    """Runs as jobs run them. Each lane has a folder of its own for locks: they share the GPU."""
    lanes = [job.below(f"lane-{number}") for number in range(_at_once(job)[-1])]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(_fork, lanes))  # starts the servers
    for count in _at_once(job):
        yield _rate(f"{count} forks at once", lanes[:count])


def shared(job: Job) -> Iterator[Row]:
    """Runs as a study has them that lets so many share a GPU: under its lock, with one server.

    The last ones are one more than may be there.
    """
    _fork(job)  # starts the server
    for count in (*_at_once(job), ALLOWED + 1) if job.on_gpu else _at_once(job):
        yield _under_the_lock(job, count)


def staying(job: Job) -> Iterator[Row]:
    """The same runs in processes that stay."""
    before = card.memory_in_use()
    workers = [_started(job.below(f"worker-{number}")) for number in range(_at_once(job)[-1])]
    ready = [_said(worker) for worker in workers]
    used = card.memory_in_use() - before
    yield {
        "what": "a process that stays: its start, and its first run",
        "ok": None,
        "import_seconds": median(each["import_seconds"] for each in ready),
        "first_run_seconds": median(each["first_run_seconds"] for each in ready),
        "gpu_mb_of_each": used / len(workers) / 1e6,
        "resident_mb_of_each": median(each["resident_mb"] for each in ready),
    }
    for count in _at_once(job):
        yield _rate_of_workers(workers[:count])
    for worker in workers:
        worker.communicate()


def worker(job: Job) -> Iterator[Row]:
    """One process that stays: performs a run, then some more each time that it is told to go."""
    from interlude.jobs.perform import perform  # noqa: PLC0415

    imported, began = time.perf_counter(), psutil.Process().create_time()
    to_import = time.time() - began
    material, settings = _run(job)
    own = material.job(material.training(settings, 5, job.device, "auto"), job.folder)

    def run() -> None:
        perform(own, 1, lambda _: None)

    run()
    yield {
        "what": "ready",
        "ok": None,
        "import_seconds": to_import,
        "first_run_seconds": time.perf_counter() - imported,
        "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6,
    }
    while sys.stdin.readline() == GO:
        for _ in range(EACH):
            run()
        yield {"what": "done", "ok": None}


def _run(job: Job) -> tuple[Material, Settings]:
    if job.on_gpu:
        return job.bag.task(MINILM, "privacy-qa-128").cut(TARGET_EXAMPLES), TARGET
    return job.bag.task(TINY, "single"), SETTINGS


def _at_once(job: Job) -> tuple[int, ...]:
    return AT_ONCE if job.on_gpu else AT_ONCE[:2]


def _fork(lane: Job, folder: Path | None = None, allowed: int = 1) -> int:
    """Carry out one run in a lane's server; return its exit status.

    folder: of its record, where it is not the lane's. allowed: so many runs may share the GPU.
    """
    folder = folder or lane.folder
    folder.mkdir(exist_ok=True)
    command = [*train_command(lane, *_run(lane), folder), f"--runs-per-gpu={allowed}"]
    warm = [command[0], "-m", "interlude.jobs.warm", *command[1:]]
    environment = {**lane.environment(), OWNER: owner(os.getpid())}
    with (folder / "log").open("w") as log:
        return subprocess.run(warm, env=environment, stdout=log, stderr=log, check=False).returncode


def _under_the_lock(job: Job, count: int) -> Row:
    """Return the runs per second of some at once, and how many there were on the GPU at a time.

    Nobody knows the joules of one that was not alone there.
    """
    folders = [job.folder / f"{count}-{number}" for number in range(count)]
    started = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        statuses = list(pool.map(lambda folder: _fork(job, folder, ALLOWED), folders))
    seconds = time.perf_counter() - started
    told = [_recorded(folder, "runs_on_gpu", "energy_joules") for folder in folders]
    most = max((each["runs_on_gpu"] or 0 for each in told), default=0)
    known = [each["energy_joules"] is not None for each in told if (each["runs_on_gpu"] or 0) > 1]
    as_allowed = most == min(count, ALLOWED) * job.on_gpu
    return {
        "what": f"{count} at once under the lock, {ALLOWED} allowed",
        "ok": not any(statuses) and as_allowed and not any(known),
        "runs_per_second": count / seconds,
        "seconds": seconds,
        "on_the_gpu": most,
        **_recorded(folders[0]),
    }


def _recorded(folder: Path, *names: str) -> Row:
    """Return what a run's record tells, its times if no more is asked; None where it left none."""
    path = folder / "record.json"
    record = json.loads(path.read_text(encoding="utf8")) if path.exists() else {}
    return {name: record.get(name) for name in names or TIMES}


def _rate(what: str, lanes: list[Job]) -> Row:
    """Return the runs per second of lanes that work at the same time."""
    started = time.perf_counter()
    with ThreadPoolExecutor(len(lanes)) as pool:
        statuses = list(pool.map(_fork, lanes))
    seconds = time.perf_counter() - started
    return {
        "what": what,
        "ok": not any(statuses),
        "runs_per_second": len(lanes) / seconds,
        "seconds": seconds,
        **_recorded(lanes[0].folder),
    }


def _started(job: Job) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        job.command("worker"), stdin=pipe, stdout=pipe, text=True, env=job.environment()
    )


def _said(process: subprocess.Popen[str]) -> Row:
    assert process.stdout is not None
    row: Row = json.loads(process.stdout.readline())
    return row


def _rate_of_workers(workers: list[subprocess.Popen[str]]) -> Row:
    started = time.perf_counter()
    for process in workers:
        assert process.stdin is not None
        process.stdin.write(GO)
        process.stdin.flush()
    for process in workers:
        _said(process)
    seconds = time.perf_counter() - started
    return {
        "what": f"{len(workers)} that stay, at once",
        "ok": None,
        "runs_per_second": EACH * len(workers) / seconds,
        "seconds": seconds,
    }
