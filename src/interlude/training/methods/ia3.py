"""IA3: a factor for each output of a tuned layer; or input, where a feed-forward part ends."""

from __future__ import annotations

from typing import Any

from peft import IA3Config
from torch import nn

from interlude.plan.methods import Ia3
from interlude.training.methods import tuner
from interlude.training.methods.tuner import merge

__all__ = ["insert", "merge"]


def insert(encoder: nn.Module, method: Ia3) -> None:
    """Put factors of 1 into an encoder."""
    layers = tuner.tuned_layers(encoder, method.modules)
    sizes: Any = encoder.config
    ends = [n for n, layer in layers.items() if layer.in_features == sizes.intermediate_size]
    tuner.insert(encoder, IA3Config(target_modules=list(layers), feedforward_modules=ends))
