"""Heads that begin with the weights that a start holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from interlude.training.shared_heads import sharing
from interlude.training.start import read_heads
from interlude.training.tensor_file import Tensors


def carry_heads(folder: Path, heads: Mapping[str, nn.Module]) -> dict[str, str]:
    """Have the heads of tasks begin with the weights that a start holds.

    Each takes those of its own task or, where the start has none, of the only head of its shape;
    one that finds neither stays as it is. One that tasks share counts once, there and here: it
    stays as it is where its tasks had different ones. Returns task -> the task whose head it took.
    Only weights pass over: what a head knows of its task's data, as the scale of a target, does
    not.
    """
    kept = read_heads(folder)
    tasks = list(heads)
    carried: dict[str, str] = {}
    for numbers in sharing(list(heads.values())):
        own = [tasks[number] for number in numbers]
        weights: Tensors = dict(heads[own[0]].named_parameters())
        found = _only(kept, own, weights)
        if found is not None:
            carried |= {task: task if _fits(kept.get(task, {}), weights) else found for task in own}
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.copy_(kept[found][name])
    return carried


def _only(kept: Mapping[str, Tensors], own: Sequence[str], weights: Tensors) -> str | None:
    """Return the task of the one kept head that fits some weights: of their own tasks, or of any.

    None where none fits, or several that differ.
    """
    fitting = [task for task, head in kept.items() if _fits(head, weights)]
    fitting = [task for task in own if task in fitting] or fitting
    first = kept[fitting[0]] if fitting else {}
    same = all(torch.equal(first[name], kept[task][name]) for task in fitting for name in weights)
    return fitting[0] if fitting and same else None


def _fits(kept: Tensors, weights: Tensors) -> bool:
    shapes = {name: weight.shape for name, weight in weights.items()}
    return shapes == {name: kept[name].shape for name in kept.keys() & shapes.keys()}
