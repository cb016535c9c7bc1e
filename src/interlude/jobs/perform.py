"""One training from its start to its record: check, reuse or train, write."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from interlude.encode.check import check_encoded
from interlude.encode.truncation_report import in_short
from interlude.files import MANIFEST, WEIGHTS, check_files, read_manifest
from interlude.jobs.arguments import Job, JobFiles
from interlude.jobs.checkpoint import Checkpoints
from interlude.jobs.evaluated import evaluated
from interlude.jobs.failure import leave_without_result
from interlude.jobs.identity import (
    data_hashes,
    described,
    outcome_identity,
    pretrained_hash,
    weights_hash,
)
from interlude.jobs.machine import bf16_is_slow
from interlude.jobs.meter import Meter, Runs, energy_counter, memory_peak
from interlude.jobs.record import (
    Predictions,
    fingerprint,
    planned_part,
    write_predictions,
    write_predictions_of_tasks,
    write_record,
)
from interlude.jobs.references import check_comparable, lost_reference, scores_of
from interlude.jobs.shared import Say, put, take
from interlude.plan.label_count import check_label_count
from interlude.plan.methods import CONTINUE
from interlude.plan.settings import Settings
from interlude.plan.trainings import PRETRAINED, RANDOM, TEXT_FILE, Part
from interlude.training.build import build_model, exact_speed_ups, settle
from interlude.training.carried_heads import carry_heads
from interlude.training.data import (
    TaskData,
    TextData,
    TrainingData,
    alone,
    load_task,
    load_texts,
    masked,
    mixed,
)
from interlude.training.loop import Progress, train
from interlude.training.platform import Platform, choose_platform
from interlude.training.reference import is_constant, reference_scores
from interlude.training.shared_heads import sharing
from interlude.training.start import (
    ENCODER,
    HEADS,
    check_start,
    numbered,
    read_adapters,
    read_status,
    resting_on,
    write_start,
)
from interlude.training.state import PartResult, TaskModel, Trained
from interlude.training.tensor_file import Tensors
from interlude.versions import versions

Row = dict[str, Any]


def perform(
    job: Job,
    threads: int,
    say: Say,
    checkpoint_minutes: float = math.inf,
    runs_on_gpu: Runs = lambda: None,
) -> None:
    """Carry out a training and leave its record, predictions and, if it is kept, its start.

    A training whose start has no weights, or that is to be compared with one without a result, is
    not trained: its record has that one's status.
    One that is interrupted, and a long one every `checkpoint_minutes`, leaves a checkpoint. One
    that was done already, in whichever folder and under whichever name, is taken from there.
    runs_on_gpu: gives the most runs that were on its GPU at a time; None where that is not known.
    """
    lost = _lost_start(job.files) or lost_reference(job.files.references)
    if lost is not None:
        leave_without_result(job, *lost)
        return
    torch.set_num_threads(threads)
    _check_inputs(job)
    platform = _platform(job)
    device = platform.device
    meter = Meter(energy_counter(device), peak=memory_peak(device), runs=runs_on_gpu)
    identity = cache(lambda: outcome_identity(job, platform))
    _report_truncation(job, say)
    if _reused(job, identity, say):
        return
    every_seconds = checkpoint_minutes * 60
    with Checkpoints(job.files.checkpoint, identity, every_seconds, meter) as checkpoints:
        outcome = _trained(job, platform, checkpoints, say)
        outcome |= {"threads": threads, **meter.costs()}
        _leave_record(job, outcome)
    if job.files.shared is not None and outcome["status"] == "ok":
        _share(job, job.files.shared, identity(), outcome, say)


def _platform(job: Job) -> Platform:
    """Return where and how to compute: `auto` is not bf16 where that is slower."""
    asked = job.training.precision
    platform = choose_platform(job.training.device, asked)
    slow = asked == "auto" and platform.device.type == "cpu" and bf16_is_slow()
    return replace(platform, bf16=False) if slow else platform


def _lost_start(files: JobFiles) -> tuple[str, str] | None:
    """Return status and reason of a training whose start has no weights, else None."""
    if files.start is None:
        return None
    status = read_status(files.start)
    if status == "ok":
        return None
    return status, f"source {' + '.join(read_manifest(files.start)['tasks'])}: {status}"


def _check_inputs(job: Job) -> None:
    """Hold the model and the encoded examples to their manifests, and these to the model."""
    files, method = job.files, job.training.method
    # All weights of its start, or random ones, stand in place of the pretrained ones; an adapter
    # lies on these.
    others = files.start is not None or job.training.weights == RANDOM
    not_read = (WEIGHTS,) if method.is_full and others else ()
    check_files(files.model, but=not_read)
    if files.start is not None:
        check_start(files.start, _rests_on(job))
    for encoded in files.encoded:
        check_encoded(encoded, files.model)
    for metric in files.metrics:
        check_files(metric)


def _rests_on(job: Job) -> Row:
    """Return what the manifest of a start says of an adapter; nothing where all is trained."""
    method = job.training.method
    return {} if method.is_full else resting_on(method, pretrained_hash(job))


def _trained(job: Job, platform: Platform, checkpoints: Checkpoints, say: Say) -> Row:
    """Train, write the predictions and the start, and return what the record says of it."""
    training, files = job.training, job.files
    data = _load(job)
    _warn(job, data, say)
    model = build_model(
        files.model,
        training.layers,
        data,
        training.settings,
        training.seed,
        files.start,
        training.method,
        training.adapter,
        frozen=training.frozen,
        random_weights=training.weights == RANDOM,
    )
    if training.carry_head and files.start is not None:
        _carry_heads(job, model, files.start, say)
    platform = settle(model, platform, training.precision, training.model, say)
    keep, progress = files.keep_start, _progress(job, say)
    trained = train(
        model, data, training.settings, training.seed, platform, keep, progress, checkpoints
    )
    _write(job, data, trained)
    of_model = {
        "trained_parameters": model.trained_parameters,
        "exact_speed_ups": exact_speed_ups(model),
    } | _shared_heads(job, model)
    return _outcome(job, data, trained) | of_model | described(platform)


def _carry_heads(job: Job, model: TaskModel, start: Path, say: Say) -> None:
    """Have the heads begin with those of the start, and report which do."""
    tasks = [part.task for part in job.training.parts]
    carried = carry_heads(start, dict(zip(tasks, model.heads, strict=True)))
    for task in tasks:
        head = f"the head of {carried[task]}" if task in carried else "a fresh head: none fits"
        say(f"{job.name}: {task} begins with {head}")


def _shared_heads(job: Job, model: TaskModel) -> Row:
    """Return which tasks have one head between them, where a training lets them share."""
    if job.training.heads == "per-task":
        return {}
    tasks = [part.task for part in job.training.parts]
    groups = sharing(list(model.heads))
    return {"shared_heads": [[tasks[number] for number in group] for group in groups]}


def _warn(job: Job, data: TrainingData, say: Say) -> None:
    for part, of_part in zip(job.training.parts, data.parts, strict=True):
        for warning in of_part.form.warnings(of_part.train):
            say(f"{job.name}: warning: {part.task}: {warning}")


def _load(job: Job) -> TrainingData:
    """Return the examples of the tasks; InputError when the labels of one do not fit its metric."""
    training = job.training
    parts = [_scored(job, part, _load_part(job, part)) for part in training.parts]
    if training.sampler is None or training.mixing is None or training.kept is None:
        (only,) = parts
        return alone(only)
    return mixed(
        parts,
        training.sampler,
        training.mixing,
        training.kept,
        training.heads,
        scores_of(job.files.references),
    )


def _load_part(job: Job, part: Part) -> TaskData:
    encoded, settings = job.encoded(part), job.training.settings
    if not part.texts:
        return _load_task(part, encoded[part], settings)
    texts = [_load_texts(text, folder, settings) for text, folder in encoded.items()]
    # A training from another's start has fresh heads, and so has one that compares encoders.
    begins = job.files.start is None and job.training.weights == PRETRAINED
    pretrained = begins and not job.training.frozen
    return masked(texts, job.files.model, pretrained)


def _load_texts(part: Part, encoded: Path, settings: Settings) -> TaskData | TextData:
    if part.form == TEXT_FILE:
        return load_texts(encoded, settings, part.examples)
    return _load_task(part, encoded, settings)


def _load_task(part: Part, encoded: Path, settings: Settings) -> TaskData:
    data = load_task(
        part.task,
        part.form,
        part.metric,
        encoded,
        settings,
        part.examples,
        part.standardise,
        part.held_aside,
    )
    check_label_count(part.metric, data.form.labels, f"task {part.task}")
    if part.held_aside:
        check_comparable(part, data)
    return data


def _scored(job: Job, part: Part, data: TaskData) -> TaskData:
    """Return the data of a part with its metric, where that is one of evaluate.

    InputError for one that gives no such score: before it is trained, not after.
    """
    if not part.evaluate:
        return data
    folders = dict(zip(job.training.evaluated, job.files.metrics, strict=True))
    scored = replace(data, metric=evaluated(part, folders[part]))
    reference_scores(scored)
    return scored


def _write(job: Job, data: TrainingData, trained: Trained) -> None:
    """Write the predictions and, where it is kept, the start."""
    tasks = [part.task for part in job.training.parts]
    of_tasks = [
        Predictions(each.validation["id"].to_pylist(), part.predictions, _gold(each))
        for each, part in zip(data.parts, trained.parts, strict=True)
    ]
    if len(of_tasks) == 1:
        (only,) = of_tasks
        write_predictions(job.files.predictions, only.ids, only.predictions, only.gold)
    else:
        write_predictions_of_tasks(job.files.predictions, dict(zip(tasks, of_tasks, strict=True)))
    if job.files.own_start is not None:
        status = "diverged" if trained.diverged else "ok"
        heads = dict(zip(tasks, trained.heads or [{}] * len(tasks), strict=True))
        encoder = _left(job, trained.encoder or {})
        write_start(job.files.own_start, status, job.training.model, encoder, heads, _rests_on(job))


def _left(job: Job, encoder: Tensors) -> Tensors:
    """Return what a start holds of an encoder: an adapter after those that were merged before."""
    training, start = job.training, job.files.start
    if training.method.is_full or not encoder:
        return encoder
    before = [] if start is None else read_adapters(start)
    return numbered([*(before[:-1] if training.adapter == CONTINUE else before), encoder])


def _gold(data: TaskData) -> list[Any]:
    return data.form.gold(data.validation_rows())


def _outcome(job: Job, data: TrainingData, trained: Trained) -> Row:
    """Return what a training measured, for its record."""
    return {
        "status": "diverged" if trained.diverged else "ok",
        "reason": "the loss or its gradient was not finite" if trained.diverged else None,
        "parts": _measured(job, data, trained),
        "planned_steps": trained.planned_steps,
        "steps": trained.steps,
        "stopped_by": trained.stopped_by,
        "tokens": trained.tokens,
        "evaluation_tokens": trained.evaluation_tokens,
        "train_seconds": trained.train_seconds,
        "evaluation_seconds": trained.evaluation_seconds,
        "code_digest": job.code,
        "model_revision": read_manifest(job.files.model).get("revision"),
        "weights_sha256": weights_hash(job),
        "versions": versions(*job.training.method.packages),
        **_compared(job, data, trained),
    }


def _compared(job: Job, data: TrainingData, trained: Trained) -> Row:
    """Return what a sampler that goes by scores has gone by: in each epoch, and at its begin."""
    if not job.training.references:
        return {}
    tasks = [part.task for part in job.training.parts]
    return {
        "reference_scores": dict(zip(tasks, scores_of(job.files.references), strict=True)),
        "epochs": [
            {
                "after_step": step,
                "scores": scores and dict(zip(tasks, scores, strict=True)),
                "shares": dict(zip(tasks, data.shares(scores), strict=True)),
            }
            for step, scores in [(0, None), *((e["step"], e["scores"]) for e in trained.epochs)]
        ],
    }


def _measured(job: Job, data: TrainingData, trained: Trained) -> list[Row]:
    """Return what was measured on each task of a training."""
    of_tasks = zip(job.training.parts, data.parts, trained.parts, strict=True)
    return [
        planned_part(part) | _measured_part(examples, result) | _origin(job, part)
        for part, examples, result in of_tasks
    ]


def _origin(job: Job, part: Part) -> Row:
    """Return which data a part is made of."""
    hashes = dict(zip(job.files.encoded, data_hashes(job), strict=True))
    folders = job.encoded(part).values()
    revisions = (read_manifest(folder).get("data_revision") for folder in folders)
    return {
        "data_revision": "; ".join(filter(None, revisions)) or None,
        "data_fingerprint": fingerprint(each for folder in folders for each in hashes[folder]),
    }


def _measured_part(data: TaskData, result: PartResult) -> Row:
    """Return what was measured on a task."""
    majority, chance = reference_scores(data)
    return {
        "score": next(iter(result.scores.values()), None),
        "metrics": result.scores,
        "scale": data.form.scale and asdict(data.form.scale),
        "majority_score": majority,
        "chance_score": chance,
        "constant": is_constant(data, result.predictions) if result.predictions else None,
        "train_examples": data.train.num_rows,
        "validation_examples": data.validation.num_rows,
        "tokens": result.tokens,
        "best_step": result.best_step,
        "curve": result.curve,
        **_held_aside(data, result),
    }


def _held_aside(data: TaskData, result: PartResult) -> Row:
    """Return what the kept model scores on the examples held aside, where there are some."""
    if data.held_aside is None:
        return {}
    examples = data.held_aside.num_rows
    return {"held_aside": {"examples": examples, "score": result.held_aside_score}}


def _leave_record(job: Job, outcome: Row) -> None:
    """Write the record of an outcome, with how much its tasks were truncated when they were
    encoded, and the size of the start.
    """
    parts = zip(outcome["parts"], job.training.parts, strict=True)
    measured = [measures | {"truncation": _truncation_of(job, part)} for measures, part in parts]
    write_record(job, outcome | {"parts": measured, "start_bytes": _start_bytes(job.files)})


def _start_bytes(files: JobFiles) -> int | None:
    """Return the size of the start that a training keeps; None for none."""
    if files.own_start is None:
        return None
    return sum((files.own_start / name).stat().st_size for name in (ENCODER, HEADS))


def _truncation_of(job: Job, part: Part) -> dict[str, Any] | None:
    """Return what was cut off the examples of a task; of texts, which are of several, nothing."""
    return None if part.texts else _truncation(job.encoded(part)[part])


def _truncation(encoded: Path) -> dict[str, Any] | None:
    """Return what was counted when a task was encoded; None where its manifest has no counts."""
    counts: dict[str, Any] | None = read_manifest(encoded).get("truncation")
    return counts


def _report_truncation(job: Job, say: Say) -> None:
    for part, encoded in zip(job.training.read, job.files.encoded, strict=True):
        if truncated := in_short(_truncation(encoded) or {}):
            of_task = "" if len(job.training.read) == 1 else f"{part.task}, "
            say(f"{job.name}: {of_task}max_length {job.training.settings.max_length}: {truncated}")


def _reused(job: Job, identity: Callable[[], str], say: Say) -> bool:
    """Copy an outcome from the folder of shared ones; False when it is not there.

    The record names the training that it was copied from, unless that is this one, done before.
    """
    shared = job.files.shared
    entry = shared and take(shared, identity(), _shared_files(job.files), say)
    if not entry:
        return False
    outcome = entry["outcome"]
    if entry["folder"] != str(job.files.folder.absolute()):
        outcome |= {"taken_from": f"{entry['name']}, {entry['ended']}"}
    _leave_record(job, outcome)
    job.files.checkpoint.unlink(missing_ok=True)
    return True


def _share(job: Job, shared: Path, identity: str, outcome: Row, say: Say) -> None:
    """Store an outcome in the folder of shared ones."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    folder = str(job.files.folder.absolute())
    metadata = {"outcome": outcome, "name": job.name, "folder": folder, "ended": ended}
    put(shared, identity, _shared_files(job.files), metadata, say)


def _shared_files(files: JobFiles) -> dict[str, Path]:
    """Return the files of an outcome by name."""
    paths = {"predictions": files.predictions}
    if files.own_start is not None:
        paths |= {name: files.own_start / name for name in (ENCODER, HEADS, MANIFEST)}
    return paths


def _progress(job: Job, say: Say) -> Progress:
    parts = job.training.parts
    metric = planned_part(parts[0])["metric"] if len(parts) == 1 else "mean score"

    def report(step: int, n_steps: int, loss: float, score: float | None) -> None:
        scored = "" if score is None else f", {metric} {score:.3f}"
        say(f"{job.name}: step {step} of {n_steps}, loss {loss:.3f}{scored}")

    return report
