"""Build the model that a training starts with."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from interlude.forms.head import TiedHead
from interlude.plan.methods import FULL, Method
from interlude.plan.seeds import derived_seed
from interlude.plan.settings import Settings
from interlude.training.data import TrainingData
from interlude.training.dropout import use_lane_dropout
from interlude.training.encoder import head_dropout, load_encoder, repeats_exactly
from interlude.training.first_token import FirstTokenLayer, read_first_token_only
from interlude.training.methods import put_adapter
from interlude.training.platform import Platform, fitted
from interlude.training.start import read_adapters
from interlude.training.state import TaskModel
from interlude.training.vocabulary import train_used_rows

SHARED_HEADS = "interlude.training.shared_heads"  # loaded where some are
Say = Callable[[str], None]


def build_model(  # noqa: PLR0913  what a training is, as its plan has it
    model: Path,
    layers: int | None,
    data: TrainingData,
    settings: Settings,
    seed: int,
    start: Path | None = None,
    method: Method = FULL,
    adapter: str | None = None,
    *,
    frozen: bool = False,
    random_weights: bool = False,
) -> TaskModel:
    """Return an encoder under fresh heads, drawn from the seed, on the processor.

    Each task has its own, or one with the tasks of its shape, as the data say.

    The encoder is that of a model's folder, only its first `layers` unless these are None, with the
    pretrained weights or with those of a start. With another method than full it has the pretrained
    ones, which are frozen, and an adapter: see `methods.put_adapter`. frozen: train heads alone.
    random_weights: in place of the pretrained ones, drawn from the seed, too, but not from the same
    numbers as the heads, whose weights would be those of the first embeddings.
    """
    whole_start = start if method.is_full else None
    encoder_seed = derived_seed(seed, "encoder", "weights") if random_weights else None
    encoder = load_encoder(model, layers, settings.dropout, whole_start, encoder_seed)
    if all(part.form.first_token_only for part in data.parts):
        read_first_token_only(encoder)
    seed_everything(seed)
    config: Any = encoder.config
    dropout = settings.dropout if settings.head_dropout is None else settings.head_dropout
    rate = head_dropout(encoder, dropout)
    heads = [part.form.head(config.hidden_size, rate) for part in data.parts]
    if data.heads == "by-labels":
        import_module(SHARED_HEADS).share_heads(heads)
    _tie(heads, encoder)
    if not method.is_full:
        left = [] if start is None else read_adapters(start)
        put_adapter(encoder, method, left, adapter)
        return TaskModel(encoder, heads)  # embeddings are frozen
    if frozen:
        encoder.requires_grad_(False)
    if frozen or any(part.form.every_token for part in data.parts):
        return TaskModel(encoder, heads)
    examples, pad_id = [part.train for part in data.parts], data.parts[0].pad_id
    return TaskModel(encoder, heads, train_used_rows(encoder, examples, pad_id))


def _tie(heads: Sequence[nn.Module], encoder: Any) -> None:
    for head in heads:
        if isinstance(head, TiedHead):
            head.tie(encoder.get_input_embeddings())


def exact_speed_ups(model: TaskModel) -> dict[str, bool]:
    """Return which of the speed-ups that change no result are on; not every training has them."""
    whole = not any(isinstance(each, FirstTokenLayer) for each in model.encoder.modules())
    return {"used_rows": model.used_rows is not None, "first_token_only": not whole}


def settle(
    model: TaskModel, platform: Platform, precision: str, name: str, say: Say = lambda _: None
) -> Platform:
    """Bring a model to where it computes; return the platform as its encoder allows it.

    precision: the asked one; name: of the model. InputError as `fitted`.
    """
    model.to(platform.device)
    platform = fitted(platform, model.encoder, precision, name)
    if platform.device.type == "cpu":
        use_lane_dropout(model)
    else:
        repeat_exactly(model.encoder, platform, say)
    return platform


def seed_everything(seed: int) -> None:
    """Seed every generator that training draws from, and ask torch for repeatable results.

    By default torch then fills all memory that it takes, in case that something reads it before it
    is written: on a GPU, a kernel for each tensor.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def repeat_exactly(encoder: nn.Module, platform: Platform, say: Say) -> None:
    """Have a GPU give the same bits again, by ways that may be slower.

    If torch were only to warn where there is none, its attention would not look for one. A family
    of encoders that has an operation without such a way is trained all the same, with a message.
    """
    torch.use_deterministic_algorithms(True)
    with platform.autocast():
        exact = repeats_exactly(encoder, platform.device)
    if not exact:
        torch.use_deterministic_algorithms(True, warn_only=True)
        say("this encoder may not give the same bits again on this device")
