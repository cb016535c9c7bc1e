"""What an outcome was made from: two that agree in it agree to the byte."""

from __future__ import annotations

import json
import platform as computer
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from interlude.encode.read import PARTS
from interlude.files import MANIFEST, WEIGHTS, read_manifest, sha256_of
from interlude.jobs.arguments import Job
from interlude.jobs.references import scores_of
from interlude.jobs.shared import identity_of
from interlude.plan.trainings import RANDOM
from interlude.training.platform import Platform
from interlude.versions import versions


def outcome_identity(job: Job, platform: Platform) -> str:
    """Return the digest of all that a training's state depends on.

    Contents stand in place of what only names them: declarations, the choice of a sweep, the start,
    what a sampler compares with.
    """
    training = replace(job.training, declared="", start=None, choice=None, references=())
    fields = json.loads(training.to_json())
    fields["parts"] = [_undeclared(part) for part in fields["parts"]]
    processor = [torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
    computed_by = [described(platform), *processor, versions(*training.method.packages)]
    model = [_hash(job.files.model, "config.json"), weights_hash(job)]
    compared_with = scores_of(job.files.references)
    metrics = [read_manifest(folder).get("files") for folder in job.files.metrics]
    others = (*model, *compared_with, *metrics)
    return identity_of(fields, job.code, *computed_by, data_hashes(job), *others)


def _undeclared(part: dict[str, Any]) -> dict[str, Any]:
    texts = {"texts": [_undeclared(each) for each in part["texts"]]} if "texts" in part else {}
    return part | {"declared": ""} | texts


def described(platform: Platform) -> dict[str, str]:
    """Return the device and the precision that a training computes in."""
    on_gpu = platform.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name() if on_gpu else f"cpu {computer.machine()}",
        "precision": "bf16" if platform.bf16 else "fp32",
    }


def data_hashes(job: Job) -> list[list[str]]:
    """Return the SHA-256 of the encoded files of each task that is read."""
    return [[_hash(folder, f"{part}.arrow") for part in PARTS] for folder in job.files.encoded]


def weights_hash(job: Job) -> str | None:
    """Return the SHA-256 of the weights that a training starts from; None where it draws them.

    That of a start's manifest, which holds those of its files.
    """
    if job.files.start is not None:
        return sha256_of(job.files.start / MANIFEST)
    return None if job.training.weights == RANDOM else pretrained_hash(job)


def pretrained_hash(job: Job) -> str:
    """Return the SHA-256 of the pretrained weights of a training's model."""
    return _hash(job.files.model, WEIGHTS)


def _hash(folder: Path, name: str) -> str:
    """Return the SHA-256 of a file: that of the manifest, against which it was checked before."""
    listed: dict[str, Any] = read_manifest(folder).get("files", {})
    return str(listed.get(name) or sha256_of(folder / name))
