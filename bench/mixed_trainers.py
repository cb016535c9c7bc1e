"""Trainer on a mixture: its subclass with a loader for each task, as a user would write one.

Each task has a classifier of transformers, all on one encoder; a step has a batch of each task, and
the losses are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import Trainer, default_data_collator
from typing_extensions import override

from bench.material import training_data_of
from bench.meter import Meter
from bench.trainers import (
    EVALUATION_BATCH,
    Row,
    arguments,
    collator,
    fastest_attention,
    load_data,
    load_model,
    padded,
    rows_for,
)
from interlude.jobs.arguments import Job
from interlude.training.data import TaskData, TrainingData

Collate = Callable[[list[Row]], Any]
Batches = dict[int, Row]  # by the number of the task


@dataclass(frozen=True)
class Summed:
    """The loss of a step: the sum of the tasks' mean losses."""

    loss: Tensor


class SeveralTasks(nn.Module):
    """A classifier for each task, all on the encoder of the first one."""

    def __init__(self, models: Sequence[Any]) -> None:
        super().__init__()
        for model in models[1:]:
            setattr(model, model.base_model_prefix, models[0].base_model)
        self.models = nn.ModuleList(models)

    @property
    def encoder(self) -> nn.Module:
        encoder: nn.Module = self.models[0].base_model  # type: ignore[assignment]
        return encoder

    @override
    def forward(self, batches: Batches) -> Summed:
        losses = [self.models[task](**batch).loss for task, batch in batches.items()]
        return Summed(torch.stack(losses).sum())


class SideBySide:
    """A list of loaders as one; one without examples in a step, None, is left out of that step."""

    def __init__(self, loaders: Sequence[DataLoader[Any]]) -> None:
        self.loaders = loaders

    def __len__(self) -> int:
        return min(map(len, self.loaders))

    def __iter__(self) -> Iterator[Batches]:
        for batches in zip(*self.loaders, strict=True):
            yield {task: batch for task, batch in enumerate(batches) if batch is not None}


class LoadersTrainer(Trainer):  # type: ignore[misc]
    """Trainer that takes its batches from several loaders."""

    loaders: Sequence[DataLoader[Any]]

    @override
    def get_train_dataloader(self) -> Any:
        return SideBySide(self.loaders)

    @override
    def compute_loss(self, model: Any, inputs: Batches, *_: Any, **__: Any) -> Tensor:
        loss: Tensor = model(inputs).loss
        return loss


def train_mixed_example(job: Job, meter: Meter) -> float:
    """Train with the defaults of the examples of transformers: see `trainers.train_example`.

    Each loader shuffles its task and gives its share of a batch.
    """
    data, alone = training_data_of(job), jobs_alone(job)
    length = job.training.settings.max_length
    rows = [
        [padded(row, of_task.pad_id, length) for row in rows_for(of_task.train, part.form)]
        for part, of_task in zip(job.training.parts, data.parts, strict=True)
    ]
    share = job.training.settings.batch_size // len(rows)
    trainer = LoadersTrainer(model=model_of(alone), args=arguments(job, data, eval_strategy="no"))
    trainer.loaders = [
        DataLoader(dataset(each), batch_size=share, shuffle=True, collate_fn=default_data_collator)
        for each in rows
    ]
    return _carry_out(trainer, alone, meter)


def train_mixed_tuned(job: Job, meter: Meter) -> float:
    """Train with everything that makes Trainer faster: see `trainers.train_tuned`.

    The loaders give the very batches that Interlude trains on.
    """
    data, alone = training_data_of(job), jobs_alone(job)
    trainer = LoadersTrainer(
        model=model_of(alone, **fastest_attention()),
        args=arguments(
            job,
            data,
            eval_strategy="no",
            bf16=job.training.precision == "bf16",
            disable_tqdm=True,
            logging_strategy="no",
            dataloader_pin_memory=job.training.device == "cuda",
        ),
    )
    trainer.loaders = [
        DataLoader(
            dataset(rows_for(of_task.train, part.form)),
            batch_sampler=numbers,
            collate_fn=_or_none(collator(own)),
        )
        for part, of_task, own, numbers in zip(
            job.training.parts, data.parts, alone, numbers_of_steps(job, data), strict=True
        )
    ]
    return _carry_out(trainer, alone, meter)


def jobs_alone(job: Job) -> list[Job]:
    """Return the job of each task of a mixture by itself."""
    return [
        replace(
            job,
            training=replace(job.training, parts=(part,), sampler=None, mixing=None, kept=None),
            files=replace(job.files, encoded=(encoded,)),
        )
        for part, encoded in zip(job.training.parts, job.files.encoded, strict=True)
    ]


def model_of(alone: Sequence[Job], **options: Any) -> SeveralTasks:
    """Return the classifiers of the tasks of a mixture on one encoder."""
    return SeveralTasks([load_model(job, load_data(job), **options) for job in alone])


def numbers_of_steps(job: Job, data: TrainingData) -> list[list[list[int]]]:
    """Return the numbers of a task's examples in each step of the first epoch, of each task."""
    training = job.training
    lengths = [part.train["length"].to_numpy() for part in data.parts]
    size = training.settings.batch_size
    batches = data.sampling.batches(lengths, size, np.random.default_rng(training.seed))
    steps = [dict(batch) for batch in islice(batches, data.steps_per_epoch(size))]
    return [[list(step.get(task, ())) for step in steps] for task in range(len(data.parts))]


def dataset(rows: list[Row]) -> Any:
    """Return rows as a loader takes them: a list will do, though torch does not declare it so."""
    return rows


def _or_none(collate: Collate) -> Collate:
    return lambda rows: collate(rows) if rows else None


def _carry_out(trainer: Any, alone: Sequence[Job], meter: Meter) -> float:
    """Train and return the mean accuracy of the tasks."""
    model = trainer.model
    meter.watch(model, model.encoder)
    trainer.train()
    model.eval()
    return fmean(
        _accuracy(classifier, load_data(job), job)
        for classifier, job in zip(model.models, alone, strict=True)
    )


def _accuracy(classifier: Any, data: TaskData, job: Job) -> float:
    rows = dataset(rows_for(data.validation, job.training.part.form))
    loader = DataLoader(rows, batch_size=EVALUATION_BATCH, collate_fn=collator(job))
    with torch.inference_mode():
        right = [(classifier(**each).logits.argmax(-1) == each["labels"]) for each in loader]
    return float(torch.cat(right).float().mean())
