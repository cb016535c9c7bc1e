"""One run from start to record: read, build, train, write."""

from __future__ import annotations

import json
import math
import platform as machine
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import nn

from interlude.arguments import RunFiles
from interlude.encode import read_encoded, read_encoding_facts
from interlude.errors import InputError, RunError
from interlude.faulty_rows import FaultyRowError, check_examples
from interlude.files import WEIGHTS, check_files, read_manifest, write_json
from interlude.forms import FORMS
from interlude.label_count import check_label_count
from interlude.metrics import METRICS
from interlude.runspec import RunSpec
from interlude.shared import Say, identity_of, put, take
from interlude.tokenizer import load_tokenizer, read_config
from interlude.training.allocator import keep_freed_memory
from interlude.training.batches import subset
from interlude.training.checkpoint import Checkpoints
from interlude.training.dropout import use_lane_dropout
from interlude.training.encoder import (
    computes_in_bf16,
    head_dropout,
    load_encoder,
    repeats_exactly,
)
from interlude.training.encoder_file import read_facts, save_encoder
from interlude.training.failure import leave_without_result
from interlude.training.first_token import read_first_token_only
from interlude.training.loop import Platform, Progress, TaskData, train
from interlude.training.meter import Meter, energy_counter
from interlude.training.record import fingerprint, write_predictions, write_record
from interlude.training.state import TaskModel, Trained
from interlude.training.vocabulary import train_used_rows
from interlude.versions import versions

GUESSING_ROUNDS = 20
ROUNDING = 1e-5  # relative, of fp32 through a few dozen layers


def perform(
    spec: RunSpec,
    files: RunFiles,
    code: str,
    threads: int,
    say: Say,
    checkpoint_minutes: float = math.inf,
) -> None:
    """Carry out a run and leave its record, predictions and (intermediate runs) encoder.

    A run whose source did not end well is not trained: its record has the source's status. A run
    that is interrupted, and a long one every `checkpoint_minutes`, leaves a checkpoint. An
    intermediate run that another study has done already is taken from there.
    """
    lost = lost_source(files)
    if lost:
        leave_without_result(spec, files, lost, f"source {spec.source}: {lost}", code)
        return
    torch.set_num_threads(threads)
    keep_freed_memory()
    platform = choose_platform(spec.device, spec.precision)
    meter = Meter(energy_counter(platform.device))

    @cache
    def identity() -> str:
        return _identity(spec, files, code, platform)

    if _taken(spec, files, identity, say):
        return
    data = load_data(spec, files)
    model = build_model(spec, files, data).to(platform.device)
    platform = fitted(platform, model.encoder, spec)
    if platform.device.type == "cpu":
        use_lane_dropout(model)
    else:
        repeat_exactly(model.encoder, platform, say)
    keep_encoder = files.encoder_out is not None
    progress = _progress(spec, say)
    every_seconds = checkpoint_minutes * 60
    with Checkpoints(files.checkpoint, identity, every_seconds, meter) as checkpoints:
        trained = train(
            model, data, spec.settings, spec.seed, platform, keep_encoder, progress, checkpoints
        )
        _write_outputs(spec, files, data, trained)
        write_record(
            files.record,
            spec,
            code_digest=code,
            threads=threads,
            model_revision=model_revision(files.model),
            data_revision=read_manifest(files.encoded).get("data_revision"),
            data_fingerprint=fingerprint(*_splits(files)),
            **_outcome(data, trained),
            **_described(platform),
            **meter.taken(),
        )
    if not trained.diverged:
        _share(files, identity, say)


def _identity(spec: RunSpec, files: RunFiles, code: str, platform: Platform) -> str:
    """Return a digest of all that a run's state depends on; its study and restart are names."""
    told = asdict(replace(spec, study="", restart=0))
    model = [files.model / "config.json", files.encoder_in or files.model / WEIGHTS]
    processor = [torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
    computed_by = [_described(platform), *processor, versions()]
    return identity_of(told, code, *computed_by, *_splits(files), *model)


def _taken(spec: RunSpec, files: RunFiles, identity: Callable[[], str], say: Say) -> bool:
    """Take an intermediate run's outcome from the shared folder; False when it is not there.

    The record names the run that it was taken from, unless that is this one, done before.
    """
    if files.encoder_out is None or files.shared is None:
        return False
    targets = {"predictions": files.predictions, "encoder": files.encoder_out}
    found = take(files.shared, identity(), targets, say)
    if found is None:
        return False
    record = found["record"]
    origin = f"{record['study']}, restart {record['restart']}, {found['ended']}"
    if found["path"] != str(files.record.absolute()):
        record |= {"study": spec.study, "restart": spec.restart, "taken_from": origin}
    write_json(files.record, record)
    files.checkpoint.unlink(missing_ok=True)
    return True


def _share(files: RunFiles, identity: Callable[[], str], say: Say) -> None:
    """Leave an intermediate run's outcome in the shared folder."""
    if files.encoder_out is None or files.shared is None:
        return
    facts = {
        "record": json.loads(files.record.read_text(encoding="utf8")),
        "path": str(files.record.absolute()),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    outcome = {"predictions": files.predictions, "encoder": files.encoder_out}
    put(files.shared, identity(), outcome, facts, say)


def lost_source(files: RunFiles) -> str | None:
    """Return the status of a source that left no encoder, else None."""
    if files.encoder_in is None:
        return None
    status = read_facts(files.encoder_in).get("status", "failed")
    return None if status == "ok" else status


def choose_platform(device: str, precision: str) -> Platform:
    """Return where and how to compute; InputError when that is not there.

    auto: a GPU when there is one, and bf16 where the hardware has instructions for it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("config: key compute.device: found 'cuda', but torch sees no GPU.")
    name = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    fast = torch.cuda.is_bf16_supported() if name == "cuda" else _cpu_has_bf16()
    return Platform(torch.device(name), bf16=fast if precision == "auto" else precision == "bf16")


def fitted(platform: Platform, encoder: nn.Module, spec: RunSpec) -> Platform:
    """Return the platform in a precision that the encoder computes in; InputError if it may not."""
    if not platform.bf16 or computes_in_bf16(encoder, platform.device):
        return platform
    if spec.precision == "bf16":
        raise InputError(
            f"config: key compute.precision: found 'bf16', in which the model {spec.model} can not "
            "compute. Allowed: auto, fp32."
        )
    return replace(platform, bf16=False)


def load_data(spec: RunSpec, files: RunFiles) -> TaskData:
    """Return the task's encoded examples, capped as the settings say.

    InputError when its labels, which may have been found in the data, do not fit the metric, or
    when truncation leaves no example to train on. RunError for a broken example.
    """
    check_files(files.encoded)
    not_read = () if files.encoder_in is None else (WEIGHTS,)  # it starts from those of a source
    check_files(files.model, but=not_read)
    train_split, validation_split = map(read_encoded, _splits(files))
    facts = read_encoding_facts(train_split)
    check_label_count(spec.metric, facts.label_names, f"task {spec.task}")
    form = FORMS[spec.form](facts.label_names)
    vocabulary = read_config(files.model).vocab_size
    for path, split in zip(_splits(files), (train_split, validation_split), strict=True):
        _check(path, split, len(facts.label_names), vocabulary, files.model)
    trainable = form.trainable(train_split)
    if not trainable.any():
        raise InputError(
            f"task {spec.task}: no training example keeps its answer "
            f"with max_length {spec.settings.max_length}."
        )
    return TaskData(
        form=form,
        metric=METRICS[spec.metric],
        train=subset(train_split, spec.settings.train_examples, form.kept_together, trainable),
        validation=subset(validation_split, spec.settings.validation_examples, form.kept_together),
        pad_id=facts.pad_id,
    )


def _check(path: Path, examples: pa.Table, n_labels: int, vocabulary: int, model: Path) -> None:
    """Raise RunError for an encoded example that would break a batch, by its row and text."""
    try:
        check_examples(examples, n_labels, vocabulary)
    except FaultyRowError as fault:
        ids = examples["input_ids"][fault.place].as_py() or [[]]
        known = [token for token in ids[0] or [] if token is not None and 0 <= token < vocabulary]
        text = load_tokenizer(model).decode(known, skip_special_tokens=True)
        raise RunError(fault.described(path, text)) from None


def build_model(spec: RunSpec, files: RunFiles, data: TaskData) -> TaskModel:
    """Return the encoder a run starts from, under a fresh head drawn from the run's seed."""
    settings = spec.settings
    encoder = load_encoder(files.model, spec.layers, settings.dropout, files.encoder_in)
    if data.form.first_token_only:
        read_first_token_only(encoder)
    seed_everything(spec.seed)
    config: Any = encoder.config
    dropout = settings.dropout if settings.head_dropout is None else settings.head_dropout
    head = data.form.head(config.hidden_size, head_dropout(encoder, dropout))
    return TaskModel(encoder, head, train_used_rows(encoder, data.train, data.pad_id))


def seed_everything(seed: int) -> None:
    """Seed every generator that training draws from, and ask torch for repeatable results.

    By default torch then fills all memory that it takes, in case that something reads it before it
    is written: on a GPU, a kernel for each tensor.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def repeat_exactly(encoder: nn.Module, platform: Platform, say: Say) -> None:
    """Have a GPU give the same bits again, by ways that may be slower.

    If torch were only to warn where there is none, its attention would not look for one. A family
    of encoders that has an operation without such a way is trained all the same, and told of.
    """
    torch.use_deterministic_algorithms(True)
    with platform.autocast():
        exact = repeats_exactly(encoder, platform.device)
    if not exact:
        torch.use_deterministic_algorithms(True, warn_only=True)
        say("this encoder may not give the same bits again on this device")


def model_revision(model: Path) -> str | None:
    """Return the revision that the manifest of a model folder names, if it has one."""
    manifest = model / "manifest.json"
    revision = json.loads(manifest.read_text())["revision"] if manifest.exists() else None
    return None if revision is None else str(revision)


def _splits(files: RunFiles) -> list[Path]:
    return [files.encoded / f"{split}.arrow" for split in ("train", "validation")]


def _write_outputs(spec: RunSpec, files: RunFiles, data: TaskData, trained: Trained) -> None:
    gold = data.form.gold(data.validation_rows())
    ids = data.validation["id"].to_pylist()
    write_predictions(files.predictions, ids, trained.predictions, gold)
    if files.encoder_out is not None:
        status = "diverged" if trained.diverged else "ok"
        facts = {"status": status, "model": spec.model, "task": spec.task, "seed": str(spec.seed)}
        save_encoder(files.encoder_out, trained.encoder or {}, facts)


def _outcome(data: TaskData, trained: Trained) -> dict[str, Any]:
    """Return what a run measured, for its record."""
    majority, chance = reference_scores(data)
    return {
        "status": "diverged" if trained.diverged else "ok",
        "reason": "the loss or its gradient was not finite" if trained.diverged else None,
        "score": _score(trained.scores) if trained.scores else None,
        "metrics": trained.scores,
        "majority_score": majority,
        "chance_score": chance,
        "constant": is_constant(data, trained.predictions) if trained.predictions else None,
        "train_examples": data.train.num_rows,
        "validation_examples": data.validation.num_rows,
        "planned_steps": trained.planned_steps,
        "steps": trained.steps,
        "stopped_by": trained.stopped_by,
        "best_step": trained.best_step,
        "tokens": trained.tokens,
        "evaluation_tokens": trained.evaluation_tokens,
        "train_seconds": trained.train_seconds,
        "evaluation_seconds": trained.evaluation_seconds,
        "curve": trained.curve,
    }


def reference_scores(data: TaskData) -> tuple[float, float]:
    """Return the score of the best constant prediction, and the mean score of guessing."""
    examples = data.validation_rows()
    gold = data.form.gold(examples)
    constants = data.form.constants(examples)
    majority = max(_score(data.metric(predictions, gold)) for predictions in constants)
    rng = np.random.default_rng(0)
    guesses = [data.form.guesses(examples, rng) for _ in range(GUESSING_ROUNDS)]
    return majority, fmean(_score(data.metric(predictions, gold)) for predictions in guesses)


def is_constant(data: TaskData, predictions: list[Any]) -> bool:
    """Return whether a predictor that looks at no input could have made these predictions.

    Numbers that differ by no more than rounding does between batches count as the same.
    """
    if isinstance(predictions[0], float):
        return math.isclose(min(predictions), max(predictions), rel_tol=ROUNDING, abs_tol=ROUNDING)
    same = all(prediction == predictions[0] for prediction in predictions)
    return same or predictions in data.form.constants(data.validation_rows())


def _score(scores: dict[str, float]) -> float:
    return next(iter(scores.values()))


def _described(platform: Platform) -> dict[str, Any]:
    on_gpu = platform.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu {machine.machine()}",
        "precision": "bf16" if platform.bf16 else "fp32",
    }


def _cpu_has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _progress(spec: RunSpec, say: Say) -> Progress:
    name = f"{spec.kind} {spec.source} > {spec.task}, restart {spec.restart}"

    def report(step: int, n_steps: int, loss: float, score: float | None) -> None:
        scored = "" if score is None else f", {spec.metric} {score:.3f}"
        say(f"{name}: step {step} of {n_steps}, loss {loss:.3f}{scored}")

    return report
