"""One pass of the encoder for the batch of a mixture, against one for each of its tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bench.material import training_data_of
from interlude.forms.head import Tensors
from interlude.jobs.arguments import Job
from interlude.training.batches import collate, rows_of
from interlude.training.build import build_model, settle
from interlude.training.data import TrainingData
from interlude.training.platform import Platform, choose_platform
from interlude.training.state import TaskModel

Step = list[tuple[int, Tensors, Tensors]]  # of each task its number, inputs and targets
Pass = Callable[[TaskModel, Step, Platform], float]
Row = dict[str, Any]


def race_passes(job: Job, warm_up: int) -> list[Row]:
    """Return the speed of the forward and backward passes of a mixture, made in either way.

    The two take turns on the same batches. The optimiser, which is the same for both, is left out.
    """
    data, training = training_data_of(job), job.training
    platform = choose_platform(training.device, training.precision)
    model = build_model(job.files.model, training.layers, data, training.settings, training.seed)
    platform = settle(model, platform, training.precision, training.model)
    model.train()
    steps = steps_of(job, data)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in PASSES}
    for step in steps:
        for name, passed in PASSES.items():
            spent[name].append(_timed(passed, model, step, platform))
    measured = steps[warm_up:]
    return [
        {"entrant": name, "precision": training.precision}
        | _measures(times[warm_up:], measured, together=name == TOGETHER)
        for name, times in spent.items()
    ]


def steps_of(job: Job, data: TrainingData) -> list[Step]:
    """Return the batches of the first epoch."""
    size, seed = job.training.settings.batch_size, job.training.seed
    lengths = [part.train["length"].to_numpy() for part in data.parts]
    batches = data.sampling.batches(lengths, size, np.random.default_rng(seed))
    return [
        [
            (part, *collate(of_task.form, rows_of(of_task.train, numbers), of_task.pad_id))
            for part, numbers in batch
            for of_task in (data.parts[part],)
        ]
        for batch in islice(batches, data.steps_per_epoch(size))
    ]


def each_alone(model: TaskModel, step: Step, platform: Platform) -> float:
    """Pass each task's examples forward and backward; return the sum of the losses."""
    total = 0.0
    for part, inputs, targets in step:
        with platform.autocast():
            loss = model(inputs, targets, part).loss
        loss.backward()
        total += float(loss.detach())
    return total


def together(model: TaskModel, step: Step, platform: Platform) -> float:
    """Pass the examples of all tasks at once, padded to the longest; return as `each_alone`."""
    with platform.autocast():
        hidden = model.encoder(**joined([inputs for _, inputs, _ in step])).last_hidden_state
        of_tasks = hidden.split([len(inputs["input_ids"]) for _, inputs, _ in step])
        losses = [
            model.heads[part](own, targets).loss
            for (part, _, targets), own in zip(step, of_tasks, strict=True)
        ]
    loss: Tensor = torch.stack(losses).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach())


def joined(inputs: Sequence[Tensors]) -> Tensors:
    """Return the inputs of several tasks as one batch, padded with zeros where the mask is 0."""
    longest = max(each["input_ids"].shape[1] for each in inputs)
    names = dict.fromkeys(name for each in inputs for name in each)

    def filled(each: Tensors, name: str) -> Tensor:
        ids = each["input_ids"]
        own = each.get(name, torch.full_like(ids, int(name == "attention_mask")))
        return functional.pad(own, (0, longest - own.shape[1]))

    whole = {name: torch.cat([filled(each, name) for each in inputs]) for name in names}
    return whole | {"attention_mask": torch.cat([filled(e, "attention_mask") for e in inputs])}


EACH, TOGETHER = "one pass for each task", "one pass for all tasks"
PASSES: dict[str, Pass] = {EACH: each_alone, TOGETHER: together}


def _timed(passed: Pass, model: TaskModel, step: Step, platform: Platform) -> tuple[float, float]:
    """Return wall clock and processor seconds."""
    model.zero_grad()
    started = time.perf_counter(), time.process_time()
    passed(model, step, platform)
    return time.perf_counter() - started[0], time.process_time() - started[1]


def _measures(times: Sequence[tuple[float, float]], steps: Sequence[Step], together: bool) -> Row:
    seconds, cpu_seconds = map(sum, zip(*times, strict=True))
    batches = [[inputs for _, inputs, _ in step] for step in steps]
    passed = [[joined(batch)] for batch in batches] if together else batches
    laid_out = sum(inputs["input_ids"].numel() for batch in passed for inputs in batch)
    tokens = sum(_tokens(inputs) for batch in batches for inputs in batch)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "tokens": tokens,
        "tokens_per_second": tokens / seconds,
        "padding_share": 1 - tokens / laid_out,
    }


def _tokens(inputs: Tensors) -> int:
    mask = inputs.get("attention_mask")
    return inputs["input_ids"].numel() if mask is None else int(mask.sum())
