"""HRA: what each tuned layer reads is first reflected, an even number of times."""

from __future__ import annotations

from peft import HRAConfig
from torch import nn

from interlude.plan.methods import Hra
from interlude.training.methods import tuner
from interlude.training.methods.tuner import merge

__all__ = ["insert", "merge"]


def insert(encoder: nn.Module, method: Hra) -> None:
    """Put fresh weights into an encoder, which leave its output as it is: they come in pairs."""
    layers = tuner.tuned_layers(encoder, method.modules, method.r)
    tuner.insert(encoder, HRAConfig(r=method.r, target_modules=list(layers)))
