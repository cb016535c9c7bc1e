"""Runs as processes of their own: claims of a GPU, memory, what is left when memory runs out."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

from bench.light import card
from bench.light.job import Job, Row
from bench.light.material import LARGE, MINILM, SMALL_CAUSAL, TINY
from bench.light.runs import RECORD_FAILURE, TRAIN
from bench.light.runs import TINY as SETTINGS
from bench.material import Material, arguments
from interlude.files import WEIGHTS
from interlude.jobs.machine import run_memory_mb
from interlude.plan.settings import Settings

# A run, as far as GPUs go: it claims one, says what torch sees, and holds it until it is ended.
HOLDER = """
from interlude.jobs.claims import claim_gpu
claim_gpu(lambda line: print(line, flush=True))
import torch
uuids = [torch.cuda.get_device_properties(n).uuid for n in range(torch.cuda.device_count())]
print("torch sees", *(f"GPU-{uuid}" for uuid in uuids), flush=True)
input()
"""
# As a machine whose GPU has only so much memory left.
LIMITED = """
import runpy, sys, torch
most = int(sys.argv[1]) * 2**20
torch.cuda.set_per_process_memory_fraction(most / torch.cuda.get_device_properties(0).total_memory)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
LEFT_MIB = 300  # MiniLM's weights, gradients and AdamW's two means take more
SAMPLE_SECONDS = 0.02
SHORT = Settings(epochs=1, batch_size=16, validation_examples=100, max_length=128)
SHORT_EXAMPLES = 160


def train_command(
    job: Job,
    material: Material,
    settings: Settings,
    folder: Path,
    keep_start: bool = False,
    minutes: float | None = None,
) -> list[str]:
    """Return the command of a training job."""
    training = material.training(settings, seed=5, device=job.device, precision="auto")
    given = arguments(material.job(training, folder, keep_start))
    more = [] if minutes is None else ["--checkpoint-minutes", str(minutes)]
    return [sys.executable, TRAIN, *given, *more]


def draw(job: Job) -> Iterator[Row]:
    """Draw the weights that are missing, before several checks want them at once."""
    for name in (MINILM, LARGE, SMALL_CAUSAL) if job.on_gpu else ():
        started = time.perf_counter()
        job.bag.model(name)
        yield {"what": f"weights of {name}", "ok": None, "seconds": time.perf_counter() - started}


def claims(job: Job) -> Iterator[Row]:
    """Of two processes on one GPU the second waits, until the kernel has ended the first."""
    first = _holder(job)
    said = [_line(first), _line(first)]
    gpu = said[0].removeprefix("on ")
    yield {
        "what": "the first has the GPU, and torch sees no other",
        "ok": said == [f"on {gpu}", f"torch sees {gpu}"] and gpu.startswith("GPU-"),
        "said": said,
    }
    second = _holder(job)
    waits = _line(second)
    yield {
        "what": "the second waits",
        "ok": waits == "waiting for a GPU: other runs have all 1",
        "said": waits,
    }
    first.kill()
    killed = time.perf_counter()
    said = [_line(second), _line(second)]
    yield {
        "what": "the first was killed, and the second has the GPU",
        "ok": said == [f"on {gpu}", f"torch sees {gpu}"],
        "seconds": time.perf_counter() - killed,
    }
    second.kill()


def memory(job: Job) -> Iterator[Row]:
    """The most host memory of a run that keeps its start, and what it asks Snakemake for."""
    tasks: list[tuple[str, str, str | None]] = [(TINY, "single", None)]
    if job.on_gpu:
        tasks = [(MINILM, "privacy-qa-128", None), (MINILM, "boolq-256", LARGE)]
    for model, name, shape in tasks:
        material = job.bag.task(model, name, shape).cut(SHORT_EXAMPLES)
        folder = job.folder / (shape or model)
        command = train_command(job, material, SHORT, folder, keep_start=True)
        status, peaks = _watched(job, command)
        asked = run_memory_mb(material.model / WEIGHTS, job.on_gpu)
        yield {
            "what": f"host memory, {material.model.name}",
            "ok": status == 0 and peaks["resident_mb"] <= asked,
            "asked_mb": asked,
            **peaks,
        }


def out_of_memory(job: Job) -> Iterator[Row]:
    """A run that finds too little GPU memory is recorded as failed; a retry has the same bytes."""
    material, settings = job.bag.task(TINY, "single"), SETTINGS
    if job.on_gpu:
        material, settings = job.bag.task(MINILM, "privacy-qa-128").cut(SHORT_EXAMPLES), SHORT
    retried, other = (job.folder / name for name in ("retried", "other"))
    command = train_command(job, material, settings, retried)
    if job.on_gpu:
        yield _recorded(job, command, retried)
    statuses = [
        job.run(each).returncode
        for each in (command, train_command(job, material, settings, other))
    ]
    found = [folder / "predictions.parquet" for folder in (retried, other)]
    yield {
        "what": "a retry has the bytes of an undisturbed run",
        "ok": statuses == [0, 0] and found[0].read_bytes() == found[1].read_bytes(),
        "statuses": statuses,
    }


def _recorded(job: Job, command: list[str], folder: Path) -> Row:
    """Carry out a run that has no retry left, as its rule does; return what was recorded."""
    limit = [sys.executable, "-c", LIMITED, str(LEFT_MIB)]
    ended = job.run([*limit, *command[1:]])
    log, record = folder / "run.log", folder / "record.json"
    folder.mkdir(parents=True, exist_ok=True)
    log.write_text(ended.stdout, encoding="utf8")
    more = ["--exit-status", str(ended.returncode), "--retries-left", "0", "--log", str(log)]
    job.run([sys.executable, RECORD_FAILURE, *command[2:], *more])
    found: Any = json.loads(record.read_text(encoding="utf8")) if record.exists() else {}
    reason = str(found.get("reason"))
    expected = "exit status 1: out of memory: "
    return {
        "what": f"{LEFT_MIB} MiB left: recorded as failed, for memory",
        "ok": found.get("status") == "failed" and reason.startswith(expected),
        "status": ended.returncode,
        "reason": reason,
    }


def _holder(job: Job) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=job.environment())


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _watched(job: Job, command: list[str]) -> tuple[int, dict[str, int]]:
    """Run a command; return its status and its peaks in MB.

    resident_mb: with pages of files that are mapped, such as CUDA's libraries; own_mb: without
    them, since the kernel may drop those.
    """
    with (job.folder / "watched.log").open("w") as log:
        process = subprocess.Popen(command, env=job.environment(), stdout=log, stderr=log)
    peaks = {"resident_mb": 0, "own_mb": 0, "gpu_mb": 0}
    watcher = Thread(target=_watch, args=(process, peaks))
    watcher.start()
    status = process.wait()
    watcher.join()
    return status, peaks


def _watch(process: subprocess.Popen[bytes], peaks: dict[str, int]) -> None:
    while process.poll() is None:
        found = {**_resident(process.pid), "gpu_mb": card.memory_of(process.pid) // 10**6}
        for name, value in found.items():
            peaks[name] = max(peaks[name], value)
        time.sleep(SAMPLE_SECONDS)


def _resident(process: int) -> dict[str, int]:
    """Return the memory of a process in MB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf8").splitlines()
    except OSError:
        return {}
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
    names = {"resident_mb": ("VmRSS",), "own_mb": ("RssAnon", "RssShmem")}
    return {
        name: sum(int(found.get(part, 0)) for part in parts) * 1024 // 10**6
        for name, parts in names.items()
    }
