"""The optimisers that a study may name, and which weights they decay."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.plan.settings import Settings


class BertAdam(torch.optim.Optimizer):
    """Adam as BERT was trained with it (Devlin et al. 2019), and Pruksachatkun et al. 2020.

    As `BertAdam` of pytorch-pretrained-bert 0.6, which is AllenNLP's `bert_adam`: no bias
    correction, decoupled weight decay of every weight, and the gradient of each weight tensor by
    itself clipped to `max_norm`. Per step, with the clipped gradient g, element by element:

        m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g²;  w = w - lr (m / (√v + eps) + decay w)
    """

    def __init__(
        self,
        weights: list[nn.Parameter],
        lr: float,
        weight_decay: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        max_norm: float = 1.0,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "betas": betas, "eps": eps}
        super().__init__(weights, {**defaults, "max_norm": max_norm})

    @torch.no_grad()
    @override
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change all weights that have a gradient, each list of tensors in one operation."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                gradients = [weight.grad for weight in weights]
                _clip_each(gradients, group["max_norm"])
                self._update(weights, gradients, group)

    def _update(
        self, weights: list[Tensor], gradients: list[Tensor], group: dict[str, Any]
    ) -> None:
        means, squares = self._averages(weights)
        b1, b2 = group["betas"]
        torch._foreach_lerp_(means, gradients, 1 - b1)
        torch._foreach_mul_(squares, b2)
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - b2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_add_(scales, group["eps"])
        torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_addcdiv_(weights, means, scales, value=-group["lr"])

    def _averages(self, weights: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return the running means of gradients and of their squares; 0 at first."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight] = {
                    "mean": torch.zeros_like(weight),
                    "square": torch.zeros_like(weight),
                }
        states = [self.state[weight] for weight in weights]
        return [state["mean"] for state in states], [state["square"] for state in states]


def make_optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    """Return the optimiser that the settings name, over all weights that are trained.

    adamw: biases and layer norms are not decayed, as in BERT. bert-adam: all weights are, as in
    the study that it comes from.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if settings.optimizer == "bert-adam":
        return BertAdam(weights, settings.learning_rate, settings.weight_decay)
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in weights if weight.ndim > 1]},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Have an optimiser take its next steps with this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate


def _clip_each(gradients: list[Tensor], max_norm: float) -> None:
    """Scale each gradient down to a norm of max_norm at most, as `clip_grad_norm_` does."""
    norms = torch._foreach_norm(gradients)
    factors = [(max_norm / (norm + 1e-6)).clamp(max=1.0) for norm in norms]
    torch._foreach_mul_(gradients, factors)
