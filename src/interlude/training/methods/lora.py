"""LoRA: the product of two narrow matrices is added to each tuned layer."""

from __future__ import annotations

from peft import LoraConfig
from torch import nn

from interlude.plan.methods import Lora
from interlude.training.methods import tuner
from interlude.training.methods.tuner import merge

__all__ = ["insert", "merge"]


def insert(encoder: nn.Module, method: Lora) -> None:
    """Put fresh weights into an encoder, which leave its output as it is."""
    config = LoraConfig(
        r=method.r,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        use_dora=method.dora,
        use_rslora=method.rslora,
        target_modules=list(tuner.tuned_layers(encoder, method.modules, method.r)),
    )
    tuner.insert(encoder, config)
