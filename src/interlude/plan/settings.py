"""The hyperparameters of a training: what each is, its default and its range.

A plain dataclass, since a job that trains needs no more; pydantic reads the metadata of its fields
where a config is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def _setting(default: Any, description: str, **limits: float) -> Any:
    """Return a field with a default; limits: gt, ge, lt and le, as pydantic names them."""
    return field(default=default, metadata={"description": description, **limits})


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of one training; how many examples of a task it sees is in its parts."""

    epochs: float = _setting(
        3,
        "passes over the training examples, above 0, at most 1000; fractions are allowed",
        gt=0,
        le=1000,
    )
    steps: int | None = _setting(
        None, "optimiser steps, 1 or more, instead of epochs; null for epochs", ge=1
    )
    batch_size: int = _setting(16, "examples per optimiser step, 1 to 4096", ge=1, le=4096)
    optimizer: Literal["adamw", "bert-adam"] = _setting(
        "adamw",
        "adamw; or bert-adam, without bias correction, with decay of all weights and the gradient "
        "of each weight tensor clipped to norm 1, as in Pruksachatkun et al. 2020",
    )
    learning_rate: float = _setting(
        1e-4,
        "peak learning rate, above 0, at most 1; linear warm-up, then linear decay to 0",
        gt=0,
        le=1,
    )
    weight_decay: float = _setting(
        0.01,
        "decoupled weight decay, 0 to 1; with adamw not of biases and layer norms",
        ge=0,
        le=1,
    )
    warmup: float = _setting(
        0.1, "share of the steps in which the learning rate rises from 0, 0 to 1", ge=0, le=1
    )
    gradient_clip: float = _setting(1.0, "largest norm of the gradient, above 0", gt=0)
    dropout: float | None = _setting(
        None,
        "dropout of hidden states, attention and head, 0 to below 1; null for the model's own",
        ge=0,
        lt=1,
    )
    head_dropout: float | None = _setting(
        None,
        "dropout before the head, 0 to below 1; null for that of the hidden states",
        ge=0,
        lt=1,
    )
    max_length: int = _setting(128, "longest sequence in tokens, 8 to 8192", ge=8, le=8192)
    validation_examples: int | None = _setting(
        None,
        "evaluate on this many examples at most, 1 or more, the same ones in every training; null "
        "for all",
        ge=1,
    )
    interim_examples: int | None = _setting(
        None,
        "scheduled evaluations see the first so many validation examples, and the kept model is "
        "evaluated on all in the end; null for all at once",
        ge=1,
    )
    evaluations: int = _setting(
        3,
        "evenly spaced evaluations in a training, the last one at its end, 1 to 1000",
        ge=1,
        le=1000,
    )
    evaluate_every: int | None = _setting(
        None,
        "steps from one evaluation to the next, instead of evaluations; the planned steps are "
        "rounded up to a multiple; null for evaluations",
        ge=1,
    )
    patience: int | None = _setting(
        None,
        "end the training after so many evaluations in a row without a score above the best; null "
        "for never",
        ge=1,
    )
    select: Literal["best", "last"] = _setting(
        "best", "best keeps the model of the best evaluation, last that of the end"
    )
