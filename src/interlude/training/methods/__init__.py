"""Adapters: a few weights that are trained in a frozen encoder. A module per method, found by name.

Each has `insert(encoder, method)`: it puts fresh weights, drawn from torch's generator, into the
encoder, and leaves these alone to be trained. One whose weights can become part of the encoder has
`merge(encoder)` too, which takes out again what was inserted. Neither changes the name of a weight
that was inserted, so that names show where it belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import nn

from interlude.errors import InputError
from interlude.plan.methods import CONTINUE, Method
from interlude.training.tensor_file import Tensors


def method_module(name: str) -> str:
    """Return the name of the module of a method."""
    return f"{__name__}.{name}"


def put_adapter(
    encoder: nn.Module, method: Method, left: Sequence[Tensors] = (), fate: str | None = None
) -> None:
    """Put the adapter into an encoder that a training is to train.

    left: the adapters of a start, in the order of their training: each but the last one was
    merged before the next one was. fate: what becomes of the last: it is trained on (continue), or
    merged too, and a fresh one is trained. InputError where the method does not fit the encoder, or
    an adapter does not fit the method.
    """
    of_method: Any = import_module(method_module(method.name))
    merged = left[:-1] if fate == CONTINUE else left
    for weights in merged:
        of_method.insert(encoder, method)
        _load(encoder, weights)
        of_method.merge(encoder)
    of_method.insert(encoder, method)
    if fate == CONTINUE and left:
        _load(encoder, left[-1])


def trained_parameters(encoder: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights of an encoder that are trained, by name."""
    return {name: each for name, each in encoder.named_parameters() if each.requires_grad}


def _load(encoder: nn.Module, weights: Tensors) -> None:
    trained = trained_parameters(encoder)
    shapes = {name: weight.shape for name, weight in trained.items()}
    strange = sorted(
        name
        for name in shapes.keys() | weights.keys()
        if name not in weights or shapes.get(name) != weights[name].shape
    )
    if strange:
        raise InputError(
            f"the adapter of the start does not fit the encoder and its method ({len(strange)} "
            f"weights that only one of them has, or of another shape, such as {strange[0]})."
        )
    with torch.no_grad():
        for name, weight in trained.items():
            weight.copy_(weights[name])
