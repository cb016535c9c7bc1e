"""The model, the tasks and their encodings that the benchmarks run on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bench.machine import ROOT
from bench.material import Material, part_of
from interlude.data.fetch.models import prepare_model
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.encode.encoding import encode_task
from interlude.files import write_json
from interlude.plan.tasks import load_task

WORK = ROOT / "results/bench"
# Where results go; those of a short form elsewhere than those of the whole.
RESULTS = ROOT / os.environ.get("INTERLUDE_BENCH_RESULTS", "bench/results")
MODEL = "minilm-l6"
REGISTRY = ROOT / "config/archives.yaml"


def mirror() -> Path | None:
    """Return the folder that INTERLUDE_MIRROR names, if it does."""
    named = os.environ.get("INTERLUDE_MIRROR")
    return None if named is None else Path(named)


def embedded_model(name: str = MODEL) -> Path:
    """Return the folder of a model of config/models, prepared if it is not there yet."""
    folder = WORK / "models" / name
    if not (folder / "manifest.json").exists():
        prepare_model(ROOT / f"config/models/{name}.yaml", REGISTRY, folder)
    return folder


def encoded_task(name: str, model: Path, max_length: int) -> Material:
    """Return a task of config/tasks, prepared if it is not there yet, and encoded anew."""
    task = load_task(ROOT / f"config/tasks/{name}.yaml")
    data = WORK / "data" / name
    if not (data / "manifest.json").exists():
        slices = ROOT / "config/mirrors/partial.yaml"
        prepare(task, Places(REGISTRY, mirror=mirror(), slices=slices), data)
    encoded = WORK / "encoded" / model.name / name / str(max_length)
    encode_task(data, encoded, task.form, model, max_length)
    return Material(part_of(task.name, task.form, task.metric), model, encoded)


def with_mirrored(tasks: list[str], mirrored: list[str]) -> list[str]:
    """Return the tasks of a benchmark: those of archives, and the mirror's where there is one."""
    return tasks + (mirrored if mirror() else [])


def write_results(name: str, document: dict[str, Any]) -> Path:
    """Write <name>.json among the results and return its path."""
    path = RESULTS / f"{name}.json"
    write_json(path, document)
    return path


def read_results(name: str) -> dict[str, Any] | None:
    """Return what <name>.json among the results holds; None when it is not there."""
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    return document
