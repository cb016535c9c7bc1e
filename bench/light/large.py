"""RoBERTa-large's shape: `bench.gpu`'s race, cut short, and where the time of a step goes."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator

import torch
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity
from typing_extensions import override

from bench.light.job import Job, Row
from bench.light.material import LARGE, MINILM, TINY
from bench.machine import has_bf16
from bench.material import Material
from bench.profiled import KINDS, REST, ProfiledSteps, profiled
from bench.race import entrants, race, race_training

TASKS = ("boolq-256", "privacy-qa-256")
BATCHES = (32, 16, 64)
FASTEST = ("interlude", "tuned")
# What a GPU has beside a processor's operations; the first that fits.
GPU_KINDS = {
    "attention": ("_scaled_dot", "_flash", "_efficient", "_cudnn"),
    "dropout": ("native_dropout", "bernoulli"),
    **KINDS,
}
ON_GPU = {"repetitions": 1, "steps": 32, "warm_up": 8, "max_length": 256, "threads": 1}
PROFILED = 12  # steps, of which 8 are not measured: the profiler takes seconds for each
ON_PROCESSOR = {**ON_GPU, "steps": 3, "warm_up": 1, "max_length": 32}


def speed(job: Job) -> Iterator[Row]:
    """Interlude's and tuned Trainer's tokens per second, and the products of the same shapes."""
    options = Namespace(**(ON_GPU if job.on_gpu else ON_PROCESSOR))
    chosen = [each for each in entrants(job.device) if each.name in FASTEST]
    for material in _materials(job):
        for batch in BATCHES if job.on_gpu else (8,):
            document = race([material], chosen, [batch], job.device, options)
            for row in document["rows"]:
                what = f"{row['task']}, {row['batch']} sequences, {row['entrant']}"
                yield {"what": what, "ok": None, **row}


def profile(job: Job) -> Iterator[Row]:
    """The seconds of a step by kind of operation, as torch's profiler has them."""
    options = Namespace(**({**ON_GPU, "steps": PROFILED} if job.on_gpu else ON_PROCESSOR))
    precision = "bf16" if has_bf16(job.device) else "fp32"
    material, batch = _materials(job)[0], 32 if job.on_gpu else 8
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


def _materials(job: Job) -> list[Material]:
    if not job.on_gpu:
        return [job.bag.task(TINY, "pair")]
    return [job.bag.task(MINILM, name, LARGE) for name in TASKS]


def _kind_of(operation: str) -> str:
    name = operation.removeprefix("aten::")
    return next((kind for kind, starts in GPU_KINDS.items() if name.startswith(starts)), REST)
