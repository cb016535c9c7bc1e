"""The optimisers: BERT-Adam against the formula in NumPy, and what is decayed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from torch import nn

from interlude.plan.settings import Settings
from interlude.training.optimizer import BertAdam, make_optimizer
from interlude.training.vocabulary import UsedRows

Arrays = list[np.ndarray]


def bert_adam_in_numpy(weights: Arrays, steps: list[Arrays], rates: list[float]) -> Arrays:
    """Return the weights after steps of BERT-Adam with decay 0.01, tensor by tensor."""
    found = []
    for place, start in enumerate(weights):
        weight, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
        for gradients, rate in zip(steps, rates, strict=True):
            norm = np.sqrt((gradients[place] ** 2).sum())
            gradient = gradients[place] / norm if norm > 1 else gradients[place]
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            weight = weight - rate * (mean / (np.sqrt(square) + 1e-6) + 0.01 * weight)
        found.append(weight)
    return found


def test_bert_adam_is_its_formula() -> None:
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (5,), (1,)]
    start = [rng.normal(size=shape) for shape in shapes]
    sizes = [0.05, 5.0, 1.0, 0.3]  # gradients below and above the norm that is clipped
    steps = [[size * rng.normal(size=shape) for shape in shapes] for size in sizes]
    rates = [1e-2, 3e-2, 2e-2, 1e-2]

    weights = [nn.Parameter(torch.tensor(each)) for each in start]
    unused = nn.Parameter(torch.ones(2))
    optimizer = BertAdam([*weights, unused], lr=1.0, weight_decay=0.01)
    for gradients, rate in zip(steps, rates, strict=True):
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()

    for weight, wanted in zip(weights, bert_adam_in_numpy(start, steps, rates), strict=True):
        np.testing.assert_allclose(weight.detach().numpy(), wanted, rtol=1e-5)
    assert torch.equal(unused, torch.ones(2)), "a weight without a gradient stays as it is"


def test_the_first_step_of_bert_adam_by_hand() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    weight.grad = torch.tensor([0.5])
    BertAdam([weight], lr=0.1, weight_decay=0.0).step()
    # mean .05, square .00025: without bias correction the step is sqrt(10) times the rate
    assert weight.item() == pytest.approx(1 - 0.1 * 0.05 / (0.00025**0.5 + 1e-6))


def test_embedding_rows_that_no_example_uses_only_decay_under_bert_adam() -> None:
    torch.manual_seed(0)
    whole = nn.Embedding(6, 3)
    used = torch.tensor([1, 3, 4])
    some = UsedRows(nn.Embedding.from_pretrained(whole.weight.detach().clone()), used)
    optimizers = [BertAdam(list(each.parameters()), 0.1, 0.3) for each in (whole, some)]
    for batch in ([1, 3, 3], [4, 1, 1], [3, 4, 1]):
        for embedding, optimizer in zip((whole, some), optimizers, strict=True):
            optimizer.zero_grad()
            embedding(torch.tensor(batch)).pow(3).sum().backward()
            optimizer.step()
        some.decay(1 - 0.1 * 0.3)
    some.eval()
    torch.testing.assert_close(some.weight, whole.weight.detach())


def test_bert_adam_decays_every_weight_that_is_trained() -> None:
    layer = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    layer[0].bias.requires_grad_(False)
    settings = Settings(optimizer="bert-adam", weight_decay=0.3, learning_rate=1e-3)
    (group,) = make_optimizer(layer, settings).param_groups
    assert len(group["params"]) == 3
    assert (group["lr"], group["weight_decay"]) == (1e-3, 0.3)


def test_adamw_decays_no_biases_and_norms(model: Path, encoded: dict[str, Path]) -> None:
    trained, _ = Case("single").built(model, encoded["single"])
    decayed, others = make_optimizer(trained, tiny.settings(weight_decay=0.3)).param_groups
    names = {id(weight): name for name, weight in trained.named_parameters()}
    assert decayed["weight_decay"] == 0.3
    assert others["weight_decay"] == 0
    assert {names[id(weight)].rsplit(".")[-1] for weight in decayed["params"]} <= {"weight", "rows"}
    for weight in others["params"]:
        assert "LayerNorm" in names[id(weight)] or names[id(weight)].endswith(".bias")
    assert len(decayed["params"]) + len(others["params"]) == len(names)
