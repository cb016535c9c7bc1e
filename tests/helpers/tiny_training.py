"""Tiny trainings by the engine alone, without a job around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers import tiny
from interlude.plan.methods import FULL, Method
from interlude.plan.settings import Settings
from interlude.training.build import build_model, settle
from interlude.training.data import TaskData, alone, load_task
from interlude.training.loop import train
from interlude.training.platform import choose_platform
from interlude.training.state import TaskModel, Trained


@dataclass(frozen=True)
class Case:
    """A training of the tiny task of a form."""

    form: str
    settings: Settings = field(default_factory=tiny.settings)
    seed: int = 5
    examples: int | None = None
    standardise: bool = False
    held_aside: bool = False
    method: Method = FULL
    adapter: str | None = None
    random_weights: bool = False

    def data(self, encoded: Path) -> TaskData:
        """Return the examples of an encoded task."""
        task, metric = f"tiny-{self.form}", tiny.METRICS[self.form]
        part = (task, self.form, metric, encoded)
        how = (self.examples, self.standardise, self.held_aside)
        return load_task(*part, self.settings, *how)

    def built(
        self, model: Path, encoded: Path, start: Path | None = None
    ) -> tuple[TaskModel, TaskData]:
        """Return the model to train, on the processor, and its data."""
        data = self.data(encoded)
        told = (self.settings, self.seed, start, self.method, self.adapter)
        random = self.random_weights
        return build_model(model, None, alone(data), *told, random_weights=random), data

    def trained(self, model: Path, encoded: Path, start: Path | None = None) -> Trained:
        """Train on a processor in fp32, to the end."""
        built, data = self.built(model, encoded, start)
        platform = settle(built, choose_platform("cpu", "fp32"), "fp32", "tiny")
        return train(built, alone(data), self.settings, self.seed, platform, True, lambda *_: None)


def outcome(trained: Trained) -> dict[str, Any]:
    """Return all that a training ends with but its times; weights as bytes."""
    weights = [trained.encoder or {}, *(trained.heads or [])]
    as_bytes = [{name: each.numpy().tobytes() for name, each in of.items()} for of in weights]
    left_out = ("train_seconds", "evaluation_seconds", "encoder", "heads")
    rest = {name: value for name, value in vars(trained).items() if name not in left_out}
    return {**rest, "weights": as_bytes}
