"""The run time that a training asks for, from its planned tokens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from math import ceil
from pathlib import Path

from interlude.errors import InputError
from interlude.files import read_manifest
from interlude.plan.extractions import FISHER, Extraction
from interlude.plan.generated import Generated
from interlude.plan.tasks import Task
from interlude.plan.trainings import Training

# Operations of a token and a weight: two forwards, four backwards (Kaplan et al. 2020, table 1).
FORWARD, BACKWARD = 2, 4
BYTES_OF_A_WEIGHT = 4
# Operations in a second that even a slow one reaches: a tenth of a GPU, a core without AVX.
GPU, CORE = 10e12, 10e9
START_MINUTES = 20  # to be queued on a node, import, load and check
UNKNOWN_ROWS = 100_000  # of a task whose size is not known


def minutes(
    training: Training,
    rows: Mapping[str, int],
    model_bytes: int,
    on_gpu: bool,
    runs_per_gpu: int = 1,
) -> int:
    """Return an upper bound on the time of a training, in minutes.

    rows: training rows of each task that is read. All sequences count as if they had the greatest
    length, all weights as if they were multiplied, and trainings on one GPU as if they took turns.
    """
    trained, evaluated = planned_tokens(training, rows)
    operations = (FORWARD + BACKWARD) * trained + FORWARD * evaluated
    return _minutes(operations * runs_per_gpu, model_bytes, on_gpu)


def extraction_minutes(extraction: Extraction, model_bytes: int, on_gpu: bool) -> int:
    """Return an upper bound on the time of an extraction, in minutes, as `minutes` counts."""
    tokens = (extraction.part.examples or UNKNOWN_ROWS) * extraction.max_length
    operations = FORWARD + BACKWARD * (extraction.kind == FISHER)
    return _minutes(operations * tokens, model_bytes, on_gpu)


def _minutes(operations: float, model_bytes: int, on_gpu: bool) -> int:
    """operations: for each weight."""
    weights = model_bytes / BYTES_OF_A_WEIGHT
    return START_MINUTES + ceil(operations * weights / (GPU if on_gpu else CORE) / 60)


def generation_minutes(declared: Generated, model_bytes: int, on_gpu: bool) -> int:
    """Return an upper bound on the time to generate a task, in minutes; a word is two tokens.

    A step of a batch reads all weights, so that one sequence alone takes a tenth of a batch's.
    """
    prompts = declared.train + declared.validation
    tokens = 2 * declared.most_words * prompts * (1 + declared.fakes)
    weights = model_bytes / BYTES_OF_A_WEIGHT
    return START_MINUTES + ceil(10 * FORWARD * tokens * weights / (GPU if on_gpu else CORE) / 60)


def planned_tokens(training: Training, rows: Mapping[str, int]) -> tuple[float, float]:
    """Return the tokens that a training is planned to train on and to evaluate, at most."""
    settings = training.settings
    seen, examples = _seen(training, rows), planned_examples(training, rows)
    evaluations = settings.evaluations
    if settings.evaluate_every is not None:
        evaluations = ceil(examples / settings.batch_size / settings.evaluate_every)
    held_out = settings.interim_examples or settings.validation_examples or seen
    return examples * settings.max_length, evaluations * held_out * settings.max_length


def planned_examples(training: Training, rows: Mapping[str, int]) -> float:
    """Return the examples that a training is planned to see in all passes, at most."""
    settings = training.settings
    if settings.steps is not None:
        return float(settings.steps * settings.batch_size)
    return _seen(training, rows) * settings.epochs


def _seen(training: Training, rows: Mapping[str, int]) -> int:
    """Return the examples of one pass."""
    tasks = [each for part in training.parts for each in part.texts or (part,)]
    return sum(min(rows[part.task], part.examples or rows[part.task]) for part in tasks)


def known_rows(task: Task | None, data: Path) -> int:
    """Return a task's training rows: of its normalised data, else as published, else a guess.

    As of `rows_here`.
    """
    return rows_here(task, data) or UNKNOWN_ROWS


def rows_here(task: Task | None, data: Path) -> int | None:
    """Return a task's training rows as `known_rows`; None in place of a guess.

    task: None for a text file, whose lines are not counted. data: folder of its normalised data; if
    they are broken, what reads them reports it.
    """
    with suppress(InputError, LookupError, TypeError, ValueError):
        return int(read_manifest(data)["sizes"]["train"])
    return task.published.train if task else None
