"""Contestants side by side: each run in a process of its own, all of them in turn."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench.machine import about, computes_in_bf16, python, run
from bench.material import Material, arguments
from interlude.encode.read import read_encoded
from interlude.jobs.arguments import Job
from interlude.plan.methods import FULL, Method
from interlude.plan.settings import Settings
from interlude.plan.trainings import Training

EVALUATED = 16  # a run ends with an evaluation, which is not measured here

Measures = dict[str, Any]


@dataclass(frozen=True)
class Entrant:
    """A contestant under a name of its own, in a precision. method: how Interlude trains."""

    name: str
    contestant: str
    precision: str
    method: Method = FULL


def entrants(device: str) -> list[Entrant]:
    """Return who trains and how; where the hardware has bf16, Interlude in fp32 as well."""
    fast = "bf16" if computes_in_bf16(device) else "fp32"
    plain = [Entrant("interlude fp32", "interlude", "fp32")] if fast == "bf16" else []
    return [
        Entrant("interlude", "interlude", fast),
        *plain,
        Entrant("example", "example", "fp32"),
        Entrant("tuned", "tuned", fast),
    ]


def add_options(parser: ArgumentParser) -> None:
    """Add the options that all races have."""
    parser.add_argument("--repetitions", type=int, default=3, help="of every run")
    parser.add_argument("--steps", type=int, default=8, help="of a run, about")
    parser.add_argument("--warm-up", type=int, default=2, help="first steps, not measured")
    parser.add_argument("--max-length", type=int, default=128, help="longest sequence in tokens")
    parser.add_argument("--threads", type=int, default=1)


def race(
    materials: Sequence[Material],
    entrants: Sequence[Entrant],
    sequences: Sequence[int],
    device: str,
    options: Namespace,
) -> dict[str, Any]:
    """Return the measures of every entrant on every task, with so many sequences in a batch.

    In each repetition, which has a seed of its own, the entrants run one after another, so that a
    machine that slows down slows all of them.
    """
    described = about()
    rows = [
        measured(material, entrant, batch, repetition, device, options)
        for repetition in range(1, options.repetitions + 1)
        for material in materials
        for batch in sequences
        for entrant in entrants
    ]
    check_same_work(rows)
    return {"machine": described, "options": vars(options), "rows": rows}


def race_training(
    material: Material, sequences: int, seed: int, device: str, precision: str, options: Namespace
) -> Training:
    """Return a training over whole epochs, so that all entrants train the same tokens.

    sequences: in a batch. options: about how many steps, and max_length.
    """
    examples = read_encoded(material.encoded / "train.arrow")
    settings, seen = whole_epochs(examples, sequences, options.steps, options.max_length)
    return material.cut(seen).training(settings, seed, device, precision)


def whole_epochs(
    examples: pa.Table, sequences: int, steps: int, max_length: int
) -> tuple[Settings, int]:
    """Return settings for whole epochs of whole batches, and how many examples these have.

    An example of a choice task has several sequences; so many fewer examples make a batch.
    """
    per_example = pc.max(pc.list_value_length(examples["input_ids"])).as_py()
    batch_size = max(1, sequences // per_example)
    per_epoch = min(steps, examples.num_rows // batch_size)
    settings = Settings(
        epochs=max(1, round(steps / per_epoch)),
        batch_size=batch_size,
        max_length=max_length,
        validation_examples=EVALUATED,
        evaluations=1,
    )
    return settings, per_epoch * batch_size


def measured(
    material: Material,
    entrant: Entrant,
    sequences: int,
    repetition: int,
    device: str,
    options: Namespace,
) -> Measures:
    """Return the measures of an entrant on a task, and what was measured."""
    training = race_training(material, sequences, repetition, device, entrant.precision, options)
    training = replace(training, method=entrant.method)
    with TemporaryDirectory() as folder:  # a fresh one, so that no run finds another's checkpoint
        job = material.job(training, Path(folder))
        measures = carried_out(job, entrant.contestant, options, "--products")
    tell(f"{material.part.task}, {sequences} sequences, {entrant.name}", measures)
    return {
        **{"task": material.part.task, "form": material.part.form, "batch": sequences},
        **{"repetition": repetition, "entrant": entrant.name, "precision": entrant.precision},
        **measures,
    }


def carried_out(job: Job, contestant: str, options: Namespace, *more: str) -> Measures:
    """Return the measures of a contestant on a job, in a process of its own.

    options: turn, a file whose lock it waits for once it is ready to compute, if there is one.
    """
    counts = ("--threads", str(options.threads), "--warm-up", str(options.warm_up))
    if turn := getattr(options, "turn", None):
        more = (*more, "--turn", str(turn))
    command = python("bench.contestant", contestant, *arguments(job), *counts, *more)
    ended = run(command, options.threads, contestant=contestant)
    measures: Measures = json.loads(ended.output.splitlines()[-1])
    return {**measures, "process_cpu_seconds": ended.cpu_seconds}


def tell(what: str, measures: Measures) -> None:
    """Print how fast something was, and where its loss ended."""
    speed, loss = measures["tokens_per_second"], measures["final_loss"]
    print(f"{what}: {speed:.0f} tokens/s, loss {loss:.3f}", flush=True)


def check_same_work(rows: Sequence[Measures]) -> None:
    """Raise RuntimeError unless all entrants trained the same number of tokens and steps."""
    for group in _groups(rows):
        work = {(row["steps"], row["tokens_of_all_steps"]) for row in group}
        if len(work) > 1:
            names = [(row["entrant"], row["steps"], row["tokens_of_all_steps"]) for row in group]
            raise RuntimeError(f"task {group[0]['task']}: not the same work: {names}")


def _groups(rows: Sequence[Measures]) -> Iterator[list[Measures]]:
    keys = dict.fromkeys((row["task"], row["batch"], row["repetition"]) for row in rows)
    for key in keys:
        yield [row for row in rows if (row["task"], row["batch"], row["repetition"]) == key]
