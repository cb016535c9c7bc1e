"""RoBERTa-large's shape: `bench.gpu`'s race, cut short, and where the time of a step goes."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity
from typing_extensions import override

from bench.light.job import Job, Row
from bench.light.material import LARGE, MINILM, TINY
from bench.machine import computes_in_bf16
from bench.material import Material
from bench.profiled import KINDS, REST, ProfiledSteps, profiled
from bench.race import Entrant, check_same_work, entrants, measured, race_training

BOOLQ, LIKE_RTE = "boolq-256", "privacy-qa-256"
FASTEST = ("interlude", "tuned")
WITHOUT_CUDNN = "tuned, without cuDNN's attention"
# What a GPU has beside a processor's operations; the first that fits.
GPU_KINDS = {
    "attention": ("_scaled_dot", "_flash", "_efficient", "_cudnn"),
    "dropout": ("native_dropout", "bernoulli"),
    **KINDS,
}
ON_GPU = {"repetitions": 1, "steps": 32, "warm_up": 8, "max_length": 256, "threads": 1}
LONG = {**ON_GPU, "steps": 320}
PROFILED = 12  # steps, of which 8 are not measured: the profiler takes seconds for each
ON_PROCESSOR = {**ON_GPU, "steps": 3, "warm_up": 1, "max_length": 32}
REPETITIONS = 2


@dataclass(frozen=True)
class Heat:
    """Who runs side by side on a task, with so many sequences in a batch."""

    task: str
    batch: int
    entrants: tuple[str, ...] = FASTEST


# In the order of what is least known (bench/README.md), since the last ones may find no time.
HEATS = (
    Heat(BOOLQ, 64),
    Heat(LIKE_RTE, 32),
    Heat(BOOLQ, 16),
    Heat(BOOLQ, 32, (*FASTEST, WITHOUT_CUDNN, "interlude fp32")),
)
LONG_HEATS = (Heat(BOOLQ, 32, (*FASTEST, WITHOUT_CUDNN)),)
TRIED = (Heat("pair", 8, (*FASTEST, WITHOUT_CUDNN)),)  # on a processor


def speed(job: Job) -> Iterator[Row]:
    """Interlude's and tuned Trainer's tokens per second, and the products of the same shapes."""
    yield from _raced(job, HEATS, ON_GPU)


def long(job: Job) -> Iterator[Row]:
    """The same over some hundred steps, in which few lengths are new."""
    yield from _raced(job, LONG_HEATS, LONG)


def _raced(job: Job, heats: Sequence[Heat], options: dict[str, int]) -> Iterator[Row]:
    """Run all heats, then all once more, as long as there is time; tell how many runs that was."""
    began = time.monotonic()
    heats, options = (heats, options) if job.on_gpu else (TRIED, ON_PROCESSOR)
    told = Namespace(**options, turn=job.folder / "turn")
    known = _entrants(job.device)
    planned = [
        (_material(job, heat.task), known[name], heat.batch, repetition)
        for repetition in range(1, REPETITIONS + 1)
        for heat in heats
        for name in heat.entrants
    ]
    rows: list[Row] = []
    waiting: deque[Future[Row]] = deque()
    with ThreadPoolExecutor(2) as pool:  # the next one's imports, while one computes
        for number, run in enumerate(planned):
            if _is_late(job, began, number):
                break
            waiting.append(pool.submit(measured, *run, job.device, told))
            if len(waiting) > 1:
                rows.append(waiting.popleft().result())
                yield _row(rows[-1])
        for each in waiting:
            rows.append(each.result())
            yield _row(rows[-1])
    check_same_work(rows)
    yield {"what": "runs that there was time for", "ok": None, "of": len(planned), "run": len(rows)}


def _is_late(job: Job, began: float, runs: int) -> bool:
    """Return whether one more run may not end in time.

    runs: that were begun. One of them still goes on, and those to come may take half as long again.
    """
    spent = time.monotonic() - began
    return runs > 1 and spent * (1 + 2.5 / (runs - 1)) > job.seconds


def _row(measures: Row) -> Row:
    named = ("task", "batch", "entrant", "repetition")
    task, batch, entrant, repetition = (measures[name] for name in named)
    what = f"{task}, {batch} sequences, {entrant}, repetition {repetition}"
    return {"what": what, "ok": None, **measures}


def _entrants(device: str) -> dict[str, Entrant]:
    known = {each.name: each for each in entrants(device)}
    without = Entrant(WITHOUT_CUDNN, "tuned-without-cudnn", known["tuned"].precision)
    return {**known, WITHOUT_CUDNN: without}


def profile(job: Job) -> Iterator[Row]:
    """The seconds of a step by kind of operation, as torch's profiler has them."""
    options = Namespace(**({**ON_GPU, "steps": PROFILED} if job.on_gpu else ON_PROCESSOR))
    precision = "bf16" if computes_in_bf16(job.device) else "fp32"
    material, batch = _material(job, BOOLQ), 32 if job.on_gpu else 8
    yield {
        "what": f"a step, {material.part.task}, {batch} sequences, {precision}",
        "ok": None,
        **_profiled(job, material, batch, precision, options),
    }


class ProfiledOnGpu(ProfiledSteps):
    """A meter that has the measured steps profiled, with the time that each kind has on the GPU."""

    def __init__(self, warm_up: int, steps: int) -> None:
        super().__init__(warm_up, steps)
        self.profiler = torch.profiler.profile(
            activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]
        )

    @override
    def seconds_by_kind(self) -> dict[str, float]:
        """Return seconds on the GPU by kind, and those in which it had nothing to do; sum: all."""
        seconds: Counter[str] = Counter(dict.fromkeys(GPU_KINDS, 0.0))
        for event in self.profiler.key_averages():
            if event.device_type == DeviceType.CPU:  # a kernel's time is with what launched it
                seconds[_kind_of(event.key)] += event.self_device_time_total / 1e6
        idle = self.measures()["seconds"] - seconds.total()
        return {**seconds, "the GPU has nothing to do": idle}


def _profiled(job: Job, material: Material, batch: int, precision: str, options: Namespace) -> Row:
    training = race_training(material, batch, 1, job.device, precision, options)
    kind = ProfiledOnGpu if job.on_gpu else ProfiledSteps
    meter = profiled(material, training, options.warm_up, kind)
    seconds, n_steps = meter.seconds_by_kind(), meter.measures()["measured_steps"]
    return {
        "ms_per_step": 1000 * sum(seconds.values()) / n_steps,
        "shares": {name: spent / sum(seconds.values()) for name, spent in seconds.items()},
    }


def _material(job: Job, task: str) -> Material:
    return job.bag.task(MINILM, task, LARGE) if job.on_gpu else job.bag.task(TINY, "pair")


def _kind_of(operation: str) -> str:
    name = operation.removeprefix("aten::")
    return next((kind for kind, starts in GPU_KINDS.items() if name.startswith(starts)), REST)
