"""LoHa: the element-wise product of two low-rank matrices is added to each tuned layer."""

from __future__ import annotations

from peft import LoHaConfig
from torch import nn

from interlude.plan.methods import Loha
from interlude.training.methods import tuner
from interlude.training.methods.tuner import merge

__all__ = ["insert", "merge"]


def insert(encoder: nn.Module, method: Loha) -> None:
    """Put fresh weights into an encoder, which leave its output as it is."""
    config = LoHaConfig(
        r=method.r,
        alpha=method.alpha,
        target_modules=list(tuner.tuned_layers(encoder, method.modules, method.r)),
    )
    tuner.insert(encoder, config)
