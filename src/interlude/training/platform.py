"""Where and in which precision a training computes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from interlude.errors import InputError
from interlude.training.encoder import computes_in_bf16


@dataclass(frozen=True)
class Platform:
    """Where and how a training computes."""

    device: torch.device
    bf16: bool

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which products are computed in the precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def choose_platform(device: str, precision: str) -> Platform:
    """Return where and how to compute; InputError when that is not there.

    auto: a GPU when there is one, and bf16 where the hardware has instructions for it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("config: key compute.device: found 'cuda', but torch sees no GPU.")
    name = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    fast = torch.cuda.is_bf16_supported() if name == "cuda" else _cpu_has_bf16()
    return Platform(torch.device(name), bf16=fast if precision == "auto" else precision == "bf16")


def fitted(platform: Platform, encoder: nn.Module, precision: str, model: str) -> Platform:
    """Return the platform in a precision that the encoder, on its device, computes in.

    InputError when the asked precision is bf16 and the encoder of this model can not.
    """
    if not platform.bf16 or computes_in_bf16(encoder, platform.device):
        return platform
    if precision == "bf16":
        raise InputError(
            f"config: key compute.precision: found 'bf16', in which the model {model} can not "
            "compute. Allowed: auto, fp32."
        )
    return replace(platform, bf16=False)


def _cpu_has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
