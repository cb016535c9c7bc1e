"""What one training run is told: everything that can change its result, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of one run. Their meaning and range stand in config.schema.yaml."""

    epochs: float = 3
    steps: int | None = None
    batch_size: int = 16
    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup: float = 0.1
    gradient_clip: float = 1.0
    dropout: float | None = None
    head_dropout: float | None = None
    max_length: int = 128
    train_examples: int | None = None
    validation_examples: int | None = None
    interim_examples: int | None = None
    evaluations: int = 3
    evaluate_every: int | None = None
    patience: int | None = None
    select: str = "best"


@dataclass(frozen=True)
class RunSpec:
    """One run: source × task × restart of a kind, with its seeds, task facts and settings.

    Snakemake keeps it as a parameter of the job, so a change of any field reruns the run.
    """

    study: str
    kind: str
    source: str
    task: str
    restart: int
    seed: int
    source_seed: int | None
    form: str
    metric: str
    model: str
    layers: int | None
    device: str
    precision: str
    settings: Settings

    def to_json(self) -> str:
        """Return the spec as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunSpec:
        """Read a spec back; TypeError when a field is missing or unknown."""
        values: dict[str, Any] = json.loads(text)
        return cls(**{**values, "settings": Settings(**values["settings"])})
