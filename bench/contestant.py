"""Carry out one run as one contestant, in a process of its own, and print what it measured.

python -m bench.contestant tuned --training ... (the arguments of workflow/scripts/train.py)

The last line is JSON. With --products, plain matrix products of the run's shapes are timed before
and after training; a run on several tasks has more shapes than these.
"""

from __future__ import annotations

import fcntl
import json
import resource
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import torch
from transformers import AutoConfig, PretrainedConfig

from bench.material import training_data_of
from bench.meter import Meter, Shape
from bench.products import flops_of_step, products_of_step, speed
from interlude.errors import command
from interlude.jobs import perform as engine
from interlude.jobs.arguments import Job, job_of, job_parser
from interlude.plan.trainings import Training
from interlude.training.build import build_model
from interlude.training.schedule import plan

Contestant = Callable[[Job, int, Meter], float]


def interlude(job: Job, threads: int, meter: Meter) -> float:
    """Perform the job as Interlude's own do; the meter is put on the model that it builds."""

    def build_watched(*args: Any, **options: Any) -> Any:
        model = build_model(*args, **options)
        meter.watch(model, model.encoder)
        return model

    with patch.object(engine, "build_model", build_watched):
        engine.perform(job, threads, lambda _: None)
    record = json.loads(job.files.record.read_text(encoding="utf8"))
    return float(record["parts"][0]["score"])


def example(job: Job, threads: int, meter: Meter) -> float:
    from bench.trainers import train_example  # noqa: PLC0415  Interlude's run must not pay for it

    return train_example(job, meter)


def tuned(job: Job, threads: int, meter: Meter) -> float:
    from bench.trainers import train_tuned  # noqa: PLC0415

    return train_tuned(job, meter)


def tuned_without_cudnn(job: Job, threads: int, meter: Meter) -> float:
    """Train as tuned does, but for cuDNN's attention, which makes a plan for every new length."""
    torch.backends.cuda.enable_cudnn_sdp(False)
    return tuned(job, threads, meter)


def mixed_example(job: Job, threads: int, meter: Meter) -> float:
    from bench.mixed_trainers import train_mixed_example  # noqa: PLC0415

    return train_mixed_example(job, meter)


def mixed_tuned(job: Job, threads: int, meter: Meter) -> float:
    from bench.mixed_trainers import train_mixed_tuned  # noqa: PLC0415

    return train_mixed_tuned(job, meter)


CONTESTANTS: dict[str, Contestant] = {
    "interlude": interlude,
    "example": example,
    "tuned": tuned,
    "tuned-without-cudnn": tuned_without_cudnn,
}
# On several tasks.
MIXED: dict[str, Contestant] = {
    "interlude": interlude,
    "example": mixed_example,
    "tuned": mixed_tuned,
}


@command
def main() -> None:
    arguments = _arguments()
    with _turn(arguments.turn):
        print(json.dumps(_measures(arguments)))


@contextmanager
def _turn(lock: Path | None) -> Iterator[None]:
    """Wait until no other contestant with this lock computes; imports are behind us by then."""
    if lock is None:
        yield
        return
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _measures(arguments: Namespace) -> dict[str, Any]:
    job = job_of(arguments)
    training, settings = job.training, job.training.settings
    torch.set_num_threads(arguments.threads)
    data = training_data_of(job)
    steps = plan(data.steps_per_epoch(settings.batch_size), settings).steps
    config = AutoConfig.from_pretrained(job.files.model, local_files_only=True)
    shape = usual_shape(data.parts[0].train, settings.batch_size)
    limits = [product_speed(config, shape, training)] if arguments.products else []
    with Meter(arguments.warm_up, steps) as meter:
        contestants = CONTESTANTS if len(training.parts) == 1 else MIXED
        score = contestants[arguments.contestant](job, arguments.threads, meter)
    measures = {"score": score, **meter.measures(), **memory(training.device)}
    if arguments.products:
        limits.append(product_speed(config, shape, training))
        measures |= {"product_flops_per_second": fmean(limits), "product_shape": shape}
        measures["flops_per_second"] = _flops(config, meter) / measures["seconds"]
    return measures


def usual_shape(examples: pa.Table, batch_size: int) -> Shape:
    """Return the shape of a batch of examples of median length."""
    sequences = fmean(pc.list_value_length(examples["input_ids"]).to_pylist())
    return round(batch_size * sequences), round(median(examples["length"].to_pylist()))


def product_speed(config: PretrainedConfig, shape: Shape, training: Training) -> float:
    """Return the FLOP/s of plain products of a step's shapes, in the precision of a training."""
    return speed(products_of_step(config, shape), training.device, training.precision == "bf16")


def memory(device: str) -> dict[str, int]:
    """Return the most memory in bytes that this process has held until now."""
    held = {"peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    if device == "cuda":
        held["peak_gpu_bytes"] = torch.cuda.max_memory_allocated()
    return held


def _flops(config: PretrainedConfig, meter: Meter) -> int:
    """Return the operations of all matrix products of the measured steps, those on padding too."""
    shapes = meter.measured_shapes().items()
    return sum(count * flops_of_step(config, shape) for shape, count in shapes)


def _arguments() -> Namespace:
    parser = job_parser(__doc__)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=1, help="first steps, not measured")
    parser.add_argument("--turn", type=Path, help="file whose lock to wait for, to compute alone")
    parser.add_argument("--products", action="store_true", help="time plain matrix products too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
