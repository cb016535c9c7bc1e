"""What PEFT's tuners have in common: which layers they tune, how they get there and are merged."""

from __future__ import annotations

from collections.abc import Sequence

from peft import PeftConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn

from interlude.errors import InputError


def tuned_layers(
    encoder: nn.Module, modules: Sequence[str] | None, rank: int = 1
) -> dict[str, nn.Linear]:
    """Return the linear layers that are tuned, by name.

    modules: ends of their names; None for all of the encoder's. rank: of what is inserted, which
    no layer may be smaller than. InputError for an end that no layer has, or a rank too high.
    """
    linear = {n: each for n, each in encoder.named_modules() if isinstance(each, nn.Linear)}
    for end in modules or ():
        if not any(_ends(name, end) for name in linear):
            ends = ", ".join(sorted({".".join(name.split(".")[-2:]) for name in linear}))
            raise InputError(
                f"config: key method.modules: found {end!r}, with which the name of no linear "
                f"layer of the encoder ends. Allowed: null for all, or {ends or 'nothing else'}."
            )
    tuned = {
        name: layer
        for name, layer in linear.items()
        if modules is None or any(_ends(name, end) for end in modules)
    }
    if not tuned:
        raise InputError(
            "config: key method.name: found a tuner of linear layers, of which the encoder has "
            "none. Allowed: full."
        )
    _check_rank(tuned, rank)
    return tuned


def insert(encoder: nn.Module, config: PeftConfig) -> None:
    """Put a tuner into an encoder; only its weights are trained then."""
    inject_adapter_in_model(config, encoder)


def merge(encoder: nn.Module) -> None:
    """Have the layers of an encoder take in what their tuners learnt, and take the tuners out."""
    for name, layer in list(encoder.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            around, _, last = name.rpartition(".")
            setattr(encoder.get_submodule(around), last, layer.get_base_layer())
    del encoder.peft_config  # which says that there is a tuner


def _ends(name: str, end: str) -> bool:
    return f".{name}".endswith(f".{end}")


def _check_rank(tuned: dict[str, nn.Linear], rank: int) -> None:
    sides = {name: min(each.in_features, each.out_features) for name, each in tuned.items()}
    name = min(sides, key=lambda each: sides[each])
    if rank > sides[name]:
        raise InputError(
            f"config: key method.r: found {rank}. Allowed: at most {sides[name]}, the smaller side "
            f"of the layer {name}."
        )
