"""All that first light knows of the insides of a run, in one place."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from typing_extensions import override

from bench.machine import ROOT
from bench.material import Material, job_on, training_data_of
from interlude.forms.head import TiedHead
from interlude.jobs.arguments import Job
from interlude.jobs.checkpoint import Checkpoints
from interlude.plan.methods import CONTINUE
from interlude.plan.settings import Settings
from interlude.plan.trainings import Training
from interlude.training.build import build_model, settle
from interlude.training.data import TrainingData
from interlude.training.encoder import load_encoder
from interlude.training.loop import train
from interlude.training.methods import put_adapter, trained_parameters
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
class Run:
    """A training that checks carry out, on a task or several.

    ways: fields of `Training` that are not as usual. references: what the sampler dynamic compares
    the scores of the tasks with.
    """

    name: str
    materials: tuple[Material, ...]
    settings: Settings
    ways: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[float, ...] = ()

    def job(self, device: str, folder: Path = Path("unused")) -> Job:
        """Return the job of the training, in the precision that its device is best in."""
        given = (self.settings, SEED, device, "auto", folder)
        return job_on(self.materials, self.ways, *given)

    @property
    def lacks(self) -> list[str]:
        """The packages that it needs and that are not installed here."""
        method = self.ways.get("method")
        return [name for name in (method.packages if method else ()) if find_spec(name) is None]


@dataclass(frozen=True)
class Built:
    """A run, ready to be trained."""

    training: Training
    model: TaskModel
    data: TrainingData
    platform: Platform

    def train(self, checkpoints: Checkpoints | None = None) -> Trained:
        given = (self.training.settings, self.training.seed, self.platform, True, lambda *_: None)
        return train(self.model, self.data, *given, checkpoints)


def build(run: Run, device: str, bf16: bool) -> Built:
    """Return a run as its process builds it; bf16 only where the encoder computes in it."""
    job = run.job(device)
    training, data = job.training, training_data_of(job, run.references)
    model = build_model(
        job.files.model,
        training.layers,
        data,
        training.settings,
        training.seed,
        method=training.method,
        frozen=training.frozen,
    )
    wanted = Platform(torch.device(device), bf16)
    platform = settle(model, wanted, training.precision, training.model)
    return Built(training, model, data, platform)


def without_dropout(built: Built) -> Built:
    """Turn all dropout off, that of a head too: a GPU draws other masks than a processor."""
    _without_dropout(built.model)
    return built


def _without_dropout(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def curve(trained: Trained) -> list[float]:
    """Return the losses of a learning curve; of several tasks, their sum."""
    curves = [[point["loss"] or 0 for point in part.curve] for part in trained.parts]
    return [float(sum(losses)) for losses in zip(*curves, strict=True)]


def plain_curve(run: Run) -> list[float]:
    """Return the loss of every step of the tests' plain loop, on the processor in fp32."""
    sys.path.append(str(ROOT / "tests"))
    from helpers.plain import plain_loop  # type: ignore[import-not-found]  # noqa: PLC0415

    built = without_dropout(build(run, "cpu", bf16=False))
    plain = TaskModel(_plain_encoder(run, built), [*built.model.heads]).train()
    _without_dropout(plain)  # that of an adapter
    for head in plain.heads:
        if isinstance(head, TiedHead):
            head.tie(plain.encoder.get_input_embeddings())  # type: ignore[operator]
    losses: list[float] = plain_loop(plain, built.data, run.settings, SEED, places=None)
    return losses


def _plain_encoder(run: Run, built: Built) -> nn.Module:
    """Return the encoder of a run without what makes it fast, with the same adapter in it."""
    encoder: Any = load_encoder(run.materials[0].model, layers=None, dropout=run.settings.dropout)
    encoder.set_attn_implementation("eager")
    training = built.training
    if not training.method.is_full:
        adapter = {n: each.detach() for n, each in trained_parameters(built.model.encoder).items()}
        put_adapter(encoder, training.method, [adapter], CONTINUE)
    if training.frozen:
        encoder.requires_grad_(False)
    loaded: nn.Module = encoder
    return loaded


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
