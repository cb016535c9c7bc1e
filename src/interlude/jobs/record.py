"""The record of a training: written once, atomically, with all that its numbers depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.files import write_json, written_atomically
from interlude.plan.trainings import PRETRAINED, Part, Training

if TYPE_CHECKING:  # so that what collects records does not depend on how a job is called
    from interlude.jobs.arguments import Job

SCHEMA_VERSION = 2
PREDICTIONS = ("id", "prediction", "gold")  # columns
OF_TASKS = ("task", *PREDICTIONS)  # columns, of a training on several tasks

Outcome = dict[str, Any]


def write_record(job: Job, outcome: Outcome) -> None:
    """Write the record of a training: what was planned, and its outcome.

    outcome: what it measured, with `parts`, a list with what it measured on each task.
    """
    write_json(job.files.record, {**_planned(job), **outcome})


def _planned(job: Job) -> dict[str, Any]:
    training = job.training
    examples = {part.task: part.examples for part in training.parts if not part.texts}
    # The number itself for one task, so that a table shows it as any other setting.
    shown = training.part.examples if len(training.parts) == 1 else examples
    return {
        "schema_version": SCHEMA_VERSION,
        "training": training.id,
        "start": training.start,
        **({"references": training.references} if training.references else {}),
        "made_from": job.made_from,
        "model": training.model,
        "seed": training.seed,
        "hyperparameters": {
            "layers": training.layers,
            **vars(training.settings),
            "train_examples": shown,
            **_standardised(training),
            **_adapter(training),
            **({"frozen": True} if training.frozen else {}),
            **({} if training.weights == PRETRAINED else {"weights": training.weights}),
        },
    }


def _standardised(training: Training) -> dict[str, bool]:
    """Return the setting where it has an effect: for targets that are numbers."""
    return {"standardise": True} if any(part.standardise for part in training.parts) else {}


def _adapter(training: Training) -> dict[str, Any]:
    """Return how an adapter is trained; nothing where all weights are."""
    if training.method.is_full:
        return {}
    return {"method": training.method.to_dict(), "adapter": training.adapter}


def planned_part(part: Part) -> dict[str, Any]:
    """Return what was planned of one task in the data of a training; of mlm, with its texts."""
    texts = {"texts": [text.task for text in part.texts]} if part.texts else {}
    metric = json.loads(part.evaluate)["called"] if part.evaluate else part.metric
    return {"task": part.task, "form": part.form, "metric": metric, **texts}


@dataclass(frozen=True)
class Predictions:
    """What a training predicts on the validation examples of a task; nothing without a result."""

    ids: list[str]
    predictions: list[Any]
    gold: list[Any]


def write_predictions(path: Path, ids: list[str], predictions: list[Any], gold: list[Any]) -> None:
    """Write one row per validation example; no rows when the training has no predictions."""
    if not predictions:
        ids, gold = [], []
    _write(path, pa.table(dict(zip(PREDICTIONS, (ids, predictions, gold), strict=True))))


def write_predictions_of_tasks(path: Path, of_tasks: Mapping[str, Predictions]) -> None:
    """Write one row per validation example of each of several tasks.

    Predictions and gold as JSON, since tasks differ in what they predict.
    """
    rows = [
        (task, id, json.dumps(prediction), json.dumps(gold))
        for task, each in of_tasks.items()
        for id, prediction, gold in zip(each.ids, each.predictions, each.gold, strict=False)
    ]
    columns = zip(*rows, strict=True) if rows else [[]] * len(OF_TASKS)
    arrays = [pa.array(column, pa.string()) for column in columns]
    _write(path, pa.table(dict(zip(OF_TASKS, arrays, strict=True))))


def read_predictions(path: Path, task: str) -> Predictions:
    """Return what a training predicts on the validation examples of one of its tasks."""
    table = pq.read_table(path)
    if tuple(table.column_names) == OF_TASKS:
        rows = [row for row in table.to_pylist() if row["task"] == task]
        predictions, gold = ([json.loads(row[name]) for row in rows] for name in PREDICTIONS[1:])
        return Predictions([row["id"] for row in rows], predictions, gold)
    return Predictions(*(table[name].to_pylist() for name in PREDICTIONS))


def _write(path: Path, table: pa.Table) -> None:
    with written_atomically(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def fingerprint(hashes: Iterable[str]) -> str:
    """Return 16 hex digits of the SHA-256 over those of files; hashes: of each, in hex digits."""
    digest = hashlib.sha256()
    for each in hashes:
        digest.update(bytes.fromhex(each))
    return digest.hexdigest()[:16]
