"""A task, encoded for a model: what a contestant is given. Needs no reader of task files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from interlude.jobs.arguments import Job, JobFiles
from interlude.plan.settings import Settings
from interlude.plan.trainings import Part, Training
from interlude.training.data import TaskData, TrainingData, alone, load_task, masked, mixed

BENCH = "bench"  # stands as digest of the code, and of what is declared
# As many examples of each task, in mixed batches.
MIXED_BATCHES = {"sampler": "uniform", "mixing": "mixed", "kept": "per-task"}


@dataclass(frozen=True)
class Material:
    """A task as part of a training, encoded for a model."""

    part: Part
    model: Path
    encoded: Path

    def cut(self, examples: int) -> Material:
        """Return the material with so many training examples at most."""
        return replace(self, part=replace(self.part, examples=examples))

    def training(self, settings: Settings, seed: int, device: str, precision: str) -> Training:
        """Return a training on this task, from the pretrained encoder."""
        return Training(
            model=self.model.name,
            declared=BENCH,
            layers=None,
            parts=(self.part,),
            settings=settings,
            seed=seed,
            device=device,
            precision=precision,
        )

    def job(self, training: Training, folder: Path, keep_start: bool = False) -> Job:
        """Return the job of a training on this task, which leaves its record in a folder."""
        files = JobFiles(self.model, (self.encoded,), folder, keep_start=keep_start)
        return Job(training, files, BENCH, f"bench: {self.part.task}")


def job_on(
    materials: Sequence[Material],
    ways: Mapping[str, Any],
    settings: Settings,
    seed: int,
    device: str,
    precision: str,
    folder: Path,
) -> Job:
    """Return the job of a training on tasks. ways: fields of `Training` that are not as usual."""
    first = materials[0]
    parts = {"parts": tuple(each.part for each in materials)}
    training = replace(first.training(settings, seed, device, precision), **{**parts, **ways})
    folders = {each.part.task: each.encoded for each in materials}
    encoded = tuple(folders[part.task] for part in training.read)
    files = JobFiles(first.model, encoded, folder)
    return Job(training, files, BENCH, " + ".join(sorted(folders)))


def part_of(name: str, form: str, metric: str) -> Part:
    """Return a task, of all its examples."""
    return Part(name, form, metric, declared=BENCH)


def arguments(job: Job) -> list[str]:
    """Return the arguments of a job, as workflow/scripts/train.py has them."""
    files = job.files
    told = {"training": job.training.to_json(), "code": job.code, "name": job.name}
    named = {"model": files.model, "out": files.folder}
    named |= {"start": files.start} if files.start else {}
    given = [f"--{name}={value}" for name, value in {**told, **named}.items()]
    given += ["--encoded", *map(str, files.encoded)]
    return [*given, *(["--keep-start"] if files.keep_start else [])]


def data_of(job: Job) -> TaskData:
    """Return the examples of a job's only task, those that Interlude trains and evaluates on."""
    (data,) = training_data_of(job).parts
    return data


def training_data_of(job: Job, references: Sequence[float] = ()) -> TrainingData:
    """Return the examples of a job's tasks, and how Interlude makes batches of them.

    references: the scores with which the sampler dynamic compares.
    """
    training = job.training
    parts = [_examples_of(job, part) for part in training.parts]
    if training.sampler is None or training.mixing is None or training.kept is None:
        (only,) = parts
        return alone(only)
    how = (training.sampler, training.mixing, training.kept, training.heads)
    return mixed(parts, *how, references)


def _examples_of(job: Job, part: Part) -> TaskData:
    """Return the examples of a task; those of the part mlm are the texts of others, masked."""
    encoded, settings = job.encoded(part), job.training.settings
    found = [
        load_task(each.task, each.form, each.metric, folder, settings, each.examples,
                  each.standardise, each.held_aside)
        for each, folder in encoded.items()
    ]  # fmt: skip
    return masked(found, job.files.model, pretrained=True) if part.texts else found[0]
