"""What a training learns from and is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

import pyarrow as pa

from interlude.encode.read import PARTS, read_encoded, read_header
from interlude.errors import InputError
from interlude.forms import form_of
from interlude.forms.examples import INPUTS, Row
from interlude.forms.head import Form
from interlude.metrics import Metric, metric_of
from interlude.plan.settings import Settings
from interlude.training.batches import OneTask, Sampling, subset

MIXTURE = "interlude.training.mixture"  # the module of the batches of several tasks
MASKED_LM = "interlude.training.masked_lm"
HELD_ASIDE = "interlude.training.held_aside"


@dataclass(frozen=True)
class TextData:
    """Encoded texts that are of no task."""

    train: pa.Table
    validation: pa.Table
    pad_id: int


@dataclass(frozen=True)
class TaskData:
    """The examples of a task, its form and its metric.

    held_aside: training examples that it is not trained on; None where there are none.
    """

    form: Form
    metric: Metric
    train: pa.Table
    validation: pa.Table
    pad_id: int
    held_aside: pa.Table | None = None

    def on_held_aside(self) -> TaskData:
        """Return the data with the examples held aside as those of validation."""
        return replace(self, validation=self.held_aside)

    def validation_rows(self) -> list[Row]:
        """Return the validation examples without token sequences, which are most of their size."""
        names = [name for name in self.validation.column_names if name not in INPUTS]
        rows: list[Row] = self.validation.select(names).to_pylist()
        return rows

    def interim(self, most: int | None) -> TaskData:
        """Return the data with only the first validation examples; itself when these are all."""
        if most is None or most >= self.validation.num_rows:
            return self
        return replace(self, validation=self.validation.slice(0, most))


@dataclass(frozen=True)
class TrainingData:
    """The tasks in the data of a training, and how its batches are made of them.

    kept: of several tasks, whose scores decide which evaluation stands as the result: per-task, for
    each task its own best one; mean, for all tasks that of the best mean. heads: per-task, one
    each; by-labels, one for all tasks of the same shape.
    """

    parts: tuple[TaskData, ...]
    sampling: Sampling = field(default_factory=OneTask)
    kept: str = "mean"
    heads: str = "per-task"

    def steps_per_epoch(self, batch_size: int) -> int:
        """Return the number of batches in an epoch."""
        return self.sampling.steps_per_epoch([p.train.num_rows for p in self.parts], batch_size)

    def shares(self, scores: Sequence[float] | None) -> list[float]:
        """Return the share of each task in an epoch, by the scores after the one before.

        None: in the first one.
        """
        return self.sampling.shares([part.train.num_rows for part in self.parts], scores)

    def interim(self, most: int | None) -> TrainingData:
        """Return the data with only the first validation examples; itself when these are all."""
        parts = tuple(part.interim(most) for part in self.parts)
        same = all(a is b for a, b in zip(parts, self.parts, strict=True))
        return self if same else replace(self, parts=parts)


def alone(data: TaskData) -> TrainingData:
    """Return the data of a training on one task."""
    return TrainingData((data,))


def mixed(
    parts: Sequence[TaskData],
    sampler: str,
    mixing: str,
    kept: str,
    heads: str = "per-task",
    references: Sequence[float] = (),
) -> TrainingData:
    """Return the data of a training on several tasks; sampler, mixing, references: see `mixture`.

    What mixes is loaded here alone, so that a training on one task does not depend on its code.
    """
    mixture = import_module(MIXTURE)
    sampling = mixture.Mixture(sampler, mixing, tuple(references))
    return TrainingData(tuple(parts), sampling, kept, heads)


def masked(texts: Sequence[TaskData | TextData], model: Path, pretrained: bool) -> TaskData:
    """Return texts, of tasks too, for masked language modelling: see `masked_lm.masked_lm`.

    What masks is loaded here alone, as what mixes.
    """
    found: TaskData = import_module(MASKED_LM).masked_lm(texts, model, pretrained)
    return found


def load_texts(encoded: Path, settings: Settings, examples: int | None = None) -> TextData:
    """Return the texts of an encoded text file, at most so many of them; None for all."""
    train, validation = (read_encoded(encoded / f"{part}.arrow") for part in PARTS)
    measured = subset(validation, settings.validation_examples)
    return TextData(subset(train, examples), measured, read_header(train).pad_id)


def load_task(
    task: str,
    form: str,
    metric: str,
    encoded: Path,
    settings: Settings,
    examples: int | None = None,
    standardise: bool = False,
    held_aside: bool = False,
) -> TaskData:
    """Return the encoded examples of a task, at most so many of them; None for all.

    How many to validate on, the settings say. standardise: targets that are numbers, by those that
    are trained on. held_aside: leave those out that are held aside, whatever else is left out.
    InputError when a file is not whole, truncation leaves no example to train on, or too few can be
    held aside.
    """
    train, validation = (read_encoded(encoded / f"{part}.arrow") for part in PARTS)
    header = read_header(train)
    of_task = form_of(form)(header.label_names)
    aside = None
    if held_aside:
        train, aside = import_module(HELD_ASIDE).hold_aside(task, train, of_task.kept_together)
    trainable = of_task.trainable(train)
    if not trainable.any():
        raise InputError(
            f"task {task}: no training example keeps its answer "
            f"with max_length {settings.max_length}, or, of tags, a word with a token."
        )
    together = of_task.kept_together
    train = subset(train, examples, together, trainable)
    if standardise:
        of_task.standardise(train)
    return TaskData(
        form=of_task,
        metric=metric_of(metric),
        train=train,
        validation=subset(validation, settings.validation_examples, together),
        pad_id=header.pad_id,
        held_aside=aside,
    )
