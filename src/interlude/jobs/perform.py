"""One run from start to record: read, build, train, write."""

from __future__ import annotations

import json
import math
import platform as machine
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import torch

from interlude.encode.check import check_encoded
from interlude.encode.read import read_encoded, read_encoding_facts
from interlude.files import MANIFEST, WEIGHTS, check_files, read_manifest, write_json
from interlude.jobs.allocator import keep_freed_memory
from interlude.jobs.arguments import RunFiles
from interlude.jobs.checkpoint import Checkpoints
from interlude.jobs.failure import leave_without_result
from interlude.jobs.meter import Meter, energy_counter
from interlude.jobs.record import fingerprint, write_predictions, write_record
from interlude.jobs.shared import Say, identity_of, put, take
from interlude.plan.label_count import check_label_count
from interlude.plan.runspec import RunSpec
from interlude.training import build
from interlude.training.data import TaskData, load_task
from interlude.training.loop import Progress, train
from interlude.training.platform import Platform, choose_platform
from interlude.training.reference import first_score, is_constant, reference_scores
from interlude.training.start import ENCODER, HEADS, read_status, write_start
from interlude.training.state import TaskModel, Trained
from interlude.versions import versions


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
    model = build_model(spec, files, data)
    platform = build.settle(model, platform, spec.precision, spec.model)
    keep_weights = files.encoder_out is not None
    progress = _progress(spec, say)
    every_seconds = checkpoint_minutes * 60
    with Checkpoints(files.checkpoint, identity, every_seconds, meter) as checkpoints:
        trained = train(
            model, data, spec.settings, spec.seed, platform, keep_weights, progress, checkpoints
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
    model = [files.model / "config.json", _weights(files)]
    processor = [torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
    computed_by = [_described(platform), *processor, versions()]
    return identity_of(told, code, *computed_by, *_splits(files), *model)


def _taken(spec: RunSpec, files: RunFiles, identity: Callable[[], str], say: Say) -> bool:
    """Take an intermediate run's outcome from the shared folder; False when it is not there.

    The record names the run that it was taken from, unless that is this one, done before.
    """
    if files.encoder_out is None or files.shared is None:
        return False
    targets = {"predictions": files.predictions, **_start_files(files.encoder_out)}
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
    outcome = {"predictions": files.predictions, **_start_files(files.encoder_out)}
    put(files.shared, identity(), outcome, facts, say)


def lost_source(files: RunFiles) -> str | None:
    """Return the status of a source that left no encoder, else None."""
    if files.encoder_in is None:
        return None
    status = read_status(files.encoder_in)
    return None if status == "ok" else status


def load_data(spec: RunSpec, files: RunFiles) -> TaskData:
    """Return the task's encoded examples, capped as the settings say.

    InputError when its labels, which may have been found in the data, do not fit the metric, or
    when truncation leaves no example to train on. RunError for a broken example.
    """
    not_read = () if files.encoder_in is None else (WEIGHTS,)  # it starts from those of a source
    check_files(files.model, but=not_read)
    check_encoded(files.encoded, files.model)
    facts = read_encoding_facts(read_encoded(_splits(files)[0]))
    check_label_count(spec.metric, facts.label_names, f"task {spec.task}")
    examples = spec.settings.train_examples
    return load_task(spec.task, spec.form, spec.metric, files.encoded, spec.settings, examples)


def build_model(spec: RunSpec, files: RunFiles, data: TaskData) -> TaskModel:
    """Return the encoder a run starts from, under a fresh head drawn from the run's seed."""
    return build.build_model(
        files.model, spec.layers, data, spec.settings, spec.seed, files.encoder_in
    )


def model_revision(model: Path) -> str | None:
    """Return the revision that the manifest of a model folder names, if it has one."""
    manifest = model / "manifest.json"
    revision = json.loads(manifest.read_text())["revision"] if manifest.exists() else None
    return None if revision is None else str(revision)


def _weights(files: RunFiles) -> Path:
    return files.model / WEIGHTS if files.encoder_in is None else files.encoder_in / ENCODER


def _start_files(folder: Path) -> dict[str, Path]:
    return {name: folder / name for name in (ENCODER, HEADS, MANIFEST)}


def _splits(files: RunFiles) -> list[Path]:
    return [files.encoded / f"{split}.arrow" for split in ("train", "validation")]


def _write_outputs(spec: RunSpec, files: RunFiles, data: TaskData, trained: Trained) -> None:
    gold = data.form.gold(data.validation_rows())
    ids = data.validation["id"].to_pylist()
    write_predictions(files.predictions, ids, trained.predictions, gold)
    if files.encoder_out is not None:
        status = "diverged" if trained.diverged else "ok"
        heads = {spec.task: trained.head or {}}
        write_start(files.encoder_out, status, spec.model, trained.encoder or {}, heads)


def _outcome(data: TaskData, trained: Trained) -> dict[str, Any]:
    """Return what a run measured, for its record."""
    majority, chance = reference_scores(data)
    return {
        "status": "diverged" if trained.diverged else "ok",
        "reason": "the loss or its gradient was not finite" if trained.diverged else None,
        "score": first_score(trained.scores) if trained.scores else None,
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


def _described(platform: Platform) -> dict[str, Any]:
    on_gpu = platform.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu {machine.machine()}",
        "precision": "bf16" if platform.bf16 else "fp32",
    }


def _progress(spec: RunSpec, say: Say) -> Progress:
    name = f"{spec.kind} {spec.source} > {spec.task}, restart {spec.restart}"

    def report(step: int, n_steps: int, loss: float, score: float | None) -> None:
        scored = "" if score is None else f", {spec.metric} {score:.3f}"
        say(f"{name}: step {step} of {n_steps}, loss {loss:.3f}{scored}")

    return report
