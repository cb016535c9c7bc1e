"""All that first light knows of the insides of a run, in one place."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from bench.machine import ROOT
from bench.material import Material, data_of
from interlude.jobs.checkpoint import Checkpoints
from interlude.plan.settings import Settings
from interlude.plan.trainings import Training
from interlude.training.build import build_model, settle
from interlude.training.data import TaskData, alone
from interlude.training.encoder import load_encoder
from interlude.training.loop import train
from interlude.training.platform import Platform
from interlude.training.state import TaskModel, Trained

SEED = 5
TINY = Settings(epochs=3, batch_size=8, learning_rate=3e-3, max_length=32)
TRAIN = str(ROOT / "workflow/scripts/train.py")
RECORD_FAILURE = str(ROOT / "workflow/scripts/record_failure.py")


class LostError(Exception):
    """What ends a run here, like a machine that fails."""


class Failing(Checkpoints):
    """Checkpoints of a machine that fails right after one is made, after this step."""

    last_step: int | None = None

    @override
    def after_step(self, run: Any) -> None:
        if run.result.steps == self.last_step:
            super().after_step(run)
            raise LostError


@dataclass(frozen=True)
class Built:
    """A run, ready to be trained."""

    training: Training
    model: TaskModel
    data: TaskData
    platform: Platform

    def train(self, checkpoints: Checkpoints | None = None) -> Trained:
        given = (self.training.settings, self.training.seed, self.platform, True, lambda *_: None)
        return train(self.model, alone(self.data), *given, checkpoints)


def build(material: Material, settings: Settings, device: str, bf16: bool) -> Built:
    """Return a run as its process builds it; bf16 only where the encoder computes in it."""
    training = material.training(settings, SEED, device, "auto")
    data = data_of(material.job(training, Path("unused")))
    model = build_model(material.model, training.layers, alone(data), settings, training.seed)
    wanted = Platform(torch.device(device), bf16)
    platform = settle(model, wanted, training.precision, training.model)
    return Built(training, model, data, platform)


def without_dropout(built: Built) -> Built:
    """Turn all dropout off, that of a head too: a GPU draws other masks than a processor."""
    for module in built.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return built


def curve(trained: Trained) -> list[float]:
    """Return the losses of a learning curve."""
    return [float(point["loss"] or 0) for point in trained.part.curve]


def plain_curve(material: Material, settings: Settings) -> list[float]:
    """Return the loss of every step of the tests' plain loop, on the processor in fp32."""
    sys.path.append(str(ROOT / "tests"))
    from helpers.plain import plain_loop  # type: ignore[import-not-found]  # noqa: PLC0415

    built = without_dropout(build(material, settings, "cpu", bf16=False))
    encoder: Any = load_encoder(material.model, layers=None, dropout=settings.dropout)
    encoder.set_attn_implementation("eager")
    plain = TaskModel(encoder, [*built.model.heads]).train()
    losses: list[float] = plain_loop(plain, alone(built.data), settings, SEED, places=None)
    return losses


def digest(trained: Trained) -> str:
    """Return a digest of all that a run ends with but its times, and of each bit of its weights."""
    names = [name for name in vars(trained) if "seconds" not in name]
    rest = {name: vars(trained)[name] for name in names if name not in ("encoder", "heads")}
    found = hashlib.sha256(json.dumps(rest, sort_keys=True, default=vars).encode())
    for weights in (trained.encoder or {}, *(trained.heads or [])):
        for name, tensor in sorted(weights.items()):
            content: Any = tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
            found.update(name.encode())
            found.update(content)
    return found.hexdigest()[:16]


def interrupted(make: Callable[[], Built], path: Path, after: int) -> Trained:
    """Train until the machine fails after a step, then go on from the checkpoint to the end."""
    try:
        _until(make(), path, after)
    except LostError:
        return _until(make(), path, None)
    raise RuntimeError("the run ended before it was to be interrupted")


def _until(built: Built, path: Path, last_step: int | None) -> Trained:
    failing = Failing(path, lambda: "this run", every_seconds=0.0)
    failing.last_step = last_step
    with failing:
        return built.train(failing)
