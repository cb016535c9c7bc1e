"""The same run has the same bytes: in two processes at once, and when it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from interlude.plan.runspec import Settings

from bench.light.job import Job, Row
from bench.light.material import LARGE, MINILM, TINY
from bench.light.processes import train_command
from bench.light.runs import TINY as SETTINGS
from bench.light.runs import Built, build, digest, interrupted
from bench.material import Material

WITH_DROPOUT = replace(SETTINGS, dropout=0.2, weight_decay=0.1, evaluations=3)
BERT_ADAM = replace(WITH_DROPOUT, optimizer="bert-adam", interim_examples=5, patience=3)
REAL = Settings(
    epochs=1, batch_size=16, train_examples=512, validation_examples=100, learning_rate=1e-4
)
FEW = replace(REAL, max_length=256, train_examples=96)
LOST_AFTER = 4  # steps


def digests(job: Job) -> Iterator[Row]:
    """A digest of each run, and what torch warned of: what it can not repeat bit by bit."""
    torch.set_warn_always(True)
    for name, material, settings, bf16 in _runs(job):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = digest(build(material, settings, job.device, bf16).train())
        said = {str(each.message).split("(Triggered")[0].strip() for each in caught}
        warned = sorted(line for line in said if "deterministic" in line)
        yield {"what": name, "ok": None, "digest": found, "warned": warned}


def same_bytes(job: Job) -> Iterator[Row]:
    """All of these in two processes at the same time: their results and weights bit by bit."""
    jobs = [job.below(name) for name in ("one", "other")]
    pair = [
        subprocess.Popen(
            each.command("digests"), stdout=subprocess.PIPE, text=True, env=each.environment()
        )
        for each in jobs
    ]
    assert pair[0].stdout is not None
    assert pair[1].stdout is not None
    for one, other in zip(pair[0].stdout, pair[1].stdout, strict=False):
        first, second = json.loads(one), json.loads(other)
        same = first["digest"] == second["digest"]
        yield {"what": first["what"], "ok": same, "warned": first["warned"]}
    statuses = [process.wait() for process in pair]
    yield {"what": "both processes came to their end", "ok": statuses == [0, 0]}


def resumed(job: Job) -> Iterator[Row]:
    """A run that is lost after some steps and goes on has the bytes of one that was left alone."""
    for name, material, settings, bf16 in _tiny_runs(job):

        def make(given: tuple[Material, Settings, bool] = (material, settings, bf16)) -> Built:
            return build(given[0], given[1], job.device, given[2])

        alone = digest(make().train())
        again = digest(interrupted(make, job.folder / "run.checkpoint", LOST_AFTER))
        yield {"what": name, "ok": alone == again}
    yield _ended_by_signal(job)


def _runs(job: Job) -> Iterator[tuple[str, Material, Settings, bool]]:
    yield from _tiny_runs(job)
    if not job.on_gpu:
        return
    minilm = job.bag.task(MINILM, "privacy-qa-128")
    for bf16, precision in ((False, "fp32"), (True, "bf16")):
        yield f"MiniLM's shape, privacy-qa, {precision}", minilm, REAL, bf16
    large = job.bag.task(MINILM, "boolq-256", LARGE)
    for bf16, precision in ((True, "bf16"), (False, "fp32")):
        yield f"RoBERTa-large's shape, boolq, {precision}", large, FEW, bf16


def _tiny_runs(job: Job) -> Iterator[tuple[str, Material, Settings, bool]]:
    for bf16, precision in ((False, "fp32"), (True, "bf16")):
        for material in job.bag.tiny():
            yield f"{material.task.form}, {precision}", material, WITH_DROPOUT, bf16
        single = job.bag.task(TINY, "single")
        yield f"bert-adam, single, {precision}", single, BERT_ADAM, bf16


def _ended_by_signal(job: Job) -> Row:
    """The program of a training job, ended by SIGTERM after a step, and started again."""
    material = job.bag.task(TINY, "single")
    settings = replace(SETTINGS, epochs=200, evaluations=1)
    alone, stopped = (job.folder / name / "1.json" for name in ("alone", "stopped"))
    told = {path: train_command(job, material, settings, path, minutes=0.0005) for path in
            (alone, stopped)}  # fmt: skip
    statuses = [job.run(told[alone]).returncode, _terminated(job, told[stopped])]
    left = stopped.with_suffix(".checkpoint").exists()
    statuses.append(job.run(told[stopped]).returncode)
    same = _predictions(alone) == _predictions(stopped) and _curve(alone) == _curve(stopped)
    return {
        "what": "SIGTERM after a step, and started again",
        "ok": statuses == [0, 128 + signal.SIGTERM, 0] and left and same,
        "statuses": statuses,
        "checkpoint_left": left,
        "same_bytes": same,
    }


def _terminated(job: Job, command: list[str]) -> int:
    """Start a run, end it by SIGTERM after its first step is reported; return its exit status."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=job.environment(), stdout=subprocess.DEVNULL
    )
    assert process.stderr is not None
    for line in process.stderr:
        if ": step " in line:
            process.send_signal(signal.SIGTERM)
            break
    process.communicate()
    return process.returncode


def _predictions(record: Path) -> bytes:
    path = record.with_suffix(".parquet")
    return path.read_bytes() if path.exists() else b""


def _curve(record: Path) -> object:
    return json.loads(record.read_text(encoding="utf8"))["curve"] if record.exists() else None
