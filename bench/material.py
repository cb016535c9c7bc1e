"""A task, encoded for a model: what a contestant is given. Needs no reader of task files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from interlude.jobs.arguments import Job, JobFiles
from interlude.plan.settings import Settings
from interlude.plan.trainings import Part, Training
from interlude.training.data import TaskData, load_task

BENCH = "bench"  # stands as digest of the code, and of what is declared


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


def part_of(name: str, form: str, metric: str) -> Part:
    """Return a task, of all its examples."""
    return Part(name, form, metric, declared=BENCH)


def arguments(job: Job) -> list[str]:
    """Return the arguments of a job, as workflow/scripts/train.py has them."""
    files = job.files
    told = {"training": job.training.to_json(), "code": job.code, "name": job.name}
    named = {"model": files.model, "encoded": files.encoded[0], "out": files.folder}
    named |= {"start": files.start} if files.start else {}
    given = [f"--{name}={value}" for name, value in {**told, **named}.items()]
    return [*given, *(["--keep-start"] if files.keep_start else [])]


def data_of(job: Job) -> TaskData:
    """Return the examples of a job's task, those that Interlude trains and evaluates on."""
    training, part, (encoded,) = job.training, job.training.part, job.files.encoded
    return load_task(part.task, part.form, part.metric, encoded, training.settings, part.examples)
