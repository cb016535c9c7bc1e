"""The same run has the same bytes: in two processes at once, and when it is interrupted."""

from __future__ import annotations

import json
import signal
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from bench.light import others
from bench.light.equality import lacking
from bench.light.job import Job, Row
from bench.light.material import LARGE, MINILM, TINY
from bench.light.processes import train_command
from bench.light.runs import TINY as SETTINGS
from bench.light.runs import Run, build, digest, interrupted
from interlude.plan.settings import Settings

WITH_DROPOUT = replace(SETTINGS, dropout=0.2, weight_decay=0.1, evaluations=3)
BERT_ADAM = replace(WITH_DROPOUT, optimizer="bert-adam", interim_examples=5, patience=3)
REAL = Settings(epochs=1, batch_size=16, validation_examples=100, learning_rate=1e-4)
REAL_EXAMPLES = 512
LONG = replace(REAL, max_length=256)
LONG_EXAMPLES = 96
LOST_AFTER = 4  # steps
OTHERS_LOST_AFTER = 7  # of a mixture, in its second epoch
OTHERS_IN_MINILM = 256  # examples of each task

Precise = tuple[Run, bool]  # whether in bf16


def digests(job: Job) -> Iterator[Row]:
    """A digest of each run, and what torch warned of: what it can not repeat bit by bit."""
    yield from _digests(job, _runs(job))


def digests_of_others(job: Job) -> Iterator[Row]:
    yield from _digests(job, _other_runs(job))


def _digests(job: Job, runs: Iterable[Precise]) -> Iterator[Row]:
    torch.set_warn_always(True)
    for run, bf16 in runs:
        if run.lacks:
            yield lacking(run)
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = digest(build(run, job.device, bf16).train())
        said = {str(each.message).split("(Triggered")[0].strip() for each in caught}
        warned = sorted(line for line in said if "deterministic" in line)
        yield {"what": _named(run, bf16), "ok": None, "digest": found, "warned": warned}


def same_bytes(job: Job) -> Iterator[Row]:
    """All of these in two processes at the same time: their results and weights bit by bit."""
    yield from _twice(job, "digests")


def others_same_bytes(job: Job) -> Iterator[Row]:
    """The same of mixtures, masked texts, adapters and heads alone."""
    yield from _twice(job, "digests-of-others")


def _twice(job: Job, helper: str) -> Iterator[Row]:
    jobs = [job.below(name) for name in ("one", "other")]
    pair = [
        subprocess.Popen(
            each.command(helper), stdout=subprocess.PIPE, text=True, env=each.environment()
        )
        for each in jobs
    ]
    assert pair[0].stdout is not None
    assert pair[1].stdout is not None
    for one, other in zip(pair[0].stdout, pair[1].stdout, strict=False):
        first, second = json.loads(one), json.loads(other)
        if "digest" not in first:
            yield first
            continue
        same = first["digest"] == second["digest"]
        yield {"what": first["what"], "ok": same, "warned": first["warned"]}
    statuses = [process.wait() for process in pair]
    yield {"what": "both processes came to their end", "ok": statuses == [0, 0]}


def resumed(job: Job) -> Iterator[Row]:
    """A run that is lost after some steps and goes on has the bytes of one that was left alone."""
    for run, bf16 in _tiny_runs(job):
        yield _resumed(job, run, bf16, LOST_AFTER)
    yield _ended_by_signal(job)


def others_resumed(job: Job) -> Iterator[Row]:
    """The same of mixtures, masked texts, adapters and heads alone, in the faster precision."""
    for run in _others(job):
        yield lacking(run) if run.lacks else _resumed(job, run, True, OTHERS_LOST_AFTER)


def _resumed(job: Job, run: Run, bf16: bool, lost_after: int) -> Row:
    alone = digest(build(run, job.device, bf16).train())
    state = job.folder / "run.checkpoint"
    again = digest(interrupted(lambda: build(run, job.device, bf16), state, lost_after))
    return {"what": _named(run, bf16), "ok": alone == again}


def _named(run: Run, bf16: bool) -> str:
    return f"{run.name}, {'bf16' if bf16 else 'fp32'}"


def _runs(job: Job) -> Iterator[Precise]:
    yield from _tiny_runs(job)
    if not job.on_gpu:
        return
    minilm = job.bag.task(MINILM, "privacy-qa-128").cut(REAL_EXAMPLES)
    large = job.bag.task(MINILM, "boolq-256", LARGE).cut(LONG_EXAMPLES)
    for bf16 in (False, True):
        yield Run("MiniLM's shape, privacy-qa", (minilm,), REAL), bf16
        yield Run("RoBERTa-large's shape, boolq", (large,), LONG), bf16


def _tiny_runs(job: Job) -> Iterator[Precise]:
    for bf16 in (False, True):
        for material in job.bag.tiny():
            yield Run(material.part.form, (material,), WITH_DROPOUT), bf16
        single = job.bag.task(TINY, "single")
        yield Run("bert-adam, single", (single,), BERT_ADAM), bf16


def _other_runs(job: Job) -> Iterator[Precise]:
    runs = _others(job)
    if job.on_gpu:
        runs += others.mixtures_in_minilm(job.bag, REAL, OTHERS_IN_MINILM)
        runs += others.adapters_in_minilm(job.bag, REAL, OTHERS_IN_MINILM)
    yield from ((run, bf16) for bf16 in (False, True) for run in runs)


def _others(job: Job) -> list[Run]:
    bag = job.bag
    found = [*others.mixtures(bag, WITH_DROPOUT), *others.adapters(bag, WITH_DROPOUT)]
    return [*found, *(make(bag, WITH_DROPOUT) for make in (others.by_scores, others.standardised))]


def _ended_by_signal(job: Job) -> Row:
    """The program of a training job, ended by SIGTERM after a step, and started again."""
    material = job.bag.task(TINY, "single")
    settings = replace(SETTINGS, epochs=200, evaluations=1)
    alone, stopped = (job.folder / name for name in ("alone", "stopped"))
    told = {folder: train_command(job, material, settings, folder, minutes=0.0005) for folder in
            (alone, stopped)}  # fmt: skip
    statuses = [job.run(told[alone]).returncode, _terminated(job, told[stopped])]
    left = (stopped / "checkpoint.safetensors").exists()
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


def _predictions(folder: Path) -> bytes:
    path = folder / "predictions.parquet"
    return path.read_bytes() if path.exists() else b""


def _curve(folder: Path) -> object:
    path = folder / "record.json"
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf8"))["parts"][0]["curve"]
