"""Which tasks of a training have one head between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn


def share_heads(heads: Sequence[nn.Module]) -> None:
    """Have heads of the same kind and shape train the same weights, those of the first.

    So tasks with as many labels have one output layer, and those with numbers another (Weller et
    al. 2022). What a head knows of its task's data beside, as the scale of a target, stays its own.
    """
    first: dict[Any, nn.Module] = {}
    for head in heads:
        shapes = tuple((name, weight.shape) for name, weight in head.named_parameters())
        shared = first.setdefault((type(head), shapes), head)
        for name, weight in shared.named_parameters():
            module, _, own_name = name.rpartition(".")
            setattr(head.get_submodule(module), own_name, weight)


def sharing(heads: Sequence[nn.Module]) -> list[list[int]]:
    """Return the numbers of the heads that train the same weights, together; each number once."""
    groups: dict[int, list[int]] = {}
    for number, head in enumerate(heads):
        groups.setdefault(id(next(head.parameters(), head)), []).append(number)
    return list(groups.values())
