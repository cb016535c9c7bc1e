"""The hyperparameters of a training. Their meaning and range stand in config.schema.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of one training; how many examples of a task it sees is in its parts."""

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
    validation_examples: int | None = None
    interim_examples: int | None = None
    evaluations: int = 3
    evaluate_every: int | None = None
    patience: int | None = None
    select: str = "best"
