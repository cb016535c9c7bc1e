"""Build the model that a training starts with."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from interlude.plan.settings import Settings
from interlude.training.data import TaskData
from interlude.training.dropout import use_lane_dropout
from interlude.training.encoder import head_dropout, load_encoder
from interlude.training.first_token import read_first_token_only
from interlude.training.platform import Platform, fitted
from interlude.training.state import TaskModel
from interlude.training.vocabulary import train_used_rows


def build_model(
    model: Path,
    layers: int | None,
    data: TaskData,
    settings: Settings,
    seed: int,
    start: Path | None = None,
) -> TaskModel:
    """Return an encoder under a fresh head drawn from the seed, on the processor.

    The encoder is that of a model's folder, its first layers only if told so, with the pretrained
    weights or with those of a start.
    """
    encoder = load_encoder(model, layers, settings.dropout, start)
    if data.form.first_token_only:
        read_first_token_only(encoder)
    seed_everything(seed)
    config: Any = encoder.config
    dropout = settings.dropout if settings.head_dropout is None else settings.head_dropout
    head = data.form.head(config.hidden_size, head_dropout(encoder, dropout))
    return TaskModel(encoder, head, train_used_rows(encoder, data.train, data.pad_id))


def settle(model: TaskModel, platform: Platform, precision: str, name: str) -> Platform:
    """Bring a model to where it computes; return the platform as its encoder allows it.

    precision: the asked one; name: of the model. InputError as `fitted`.
    """
    model.to(platform.device)
    platform = fitted(platform, model.encoder, precision, name)
    if platform.device.type == "cpu":
        use_lane_dropout(model)
    return platform


def seed_everything(seed: int) -> None:
    """Seed every generator that training draws from, and ask torch for repeatable results."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
