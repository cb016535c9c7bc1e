"""Task embeddings: how much each part of an encoder affects the likelihood of a task's labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from interlude.selection.extractor import Extractor
from interlude.selection.features import Made
from interlude.training.methods import trained_parameters


def extract_fisher(extractor: Extractor, task: str) -> Made:
    """Return the diagonal of the empirical Fisher information of an encoder, by component.

    A component is a weight or bias of a layer, or of an adapter where that is what was trained;
    embeddings of tokens are left out. Its vector: the mean over examples of the squared gradient of
    the log likelihood of their labels (Vu et al. 2020), float32, averaged over the weights of each
    output unit, as Achille et al. 2019 average over those of a filter: [units]. The head is that of
    the start for the task.
    """
    if task not in extractor.heads:
        return Made({}, lacks={"fisher": f"the start has no head of {task}"})
    extractor.model.head.load_state_dict(dict(extractor.heads[task]))
    components = components_of(extractor.model.encoder)
    sums = {name: torch.zeros_like(_by_unit(each)) for name, each in components.items()}
    examples = extractor.data.train.num_rows
    for _, inputs, targets in extractor.batches([np.array([number]) for number in range(examples)]):
        extractor.model.zero_grad()
        extractor.model(inputs, targets).loss.backward()
        for name, weight in components.items():
            if weight.grad is not None:
                sums[name] += _by_unit(weight.grad.square())
    return Made({name: (each / examples).cpu() for name, each in sums.items()})


def components_of(encoder: nn.Module) -> Mapping[str, Tensor]:
    """Return the weights of an encoder that are trained, but for embeddings, by name."""
    embeddings = {
        id(module.weight) for module in encoder.modules() if isinstance(module, nn.Embedding)
    }
    trained = trained_parameters(encoder)
    return {name: each for name, each in trained.items() if id(each) not in embeddings}


def _by_unit(weight: Tensor) -> Tensor:
    """Return the mean over all but the first dimension, the output units; a vector stays."""
    return weight if weight.ndim == 1 else weight.flatten(1).mean(1)
