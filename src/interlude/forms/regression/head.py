"""Regression: two texts and a number, such as how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, LinearHead, Outputs, Tensors


class NumberHead(LinearHead):
    """A number from the first token, and its mean squared error.

    [examples, length, hidden] with `value` [examples] -> [examples].
    """

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        numbers = self.scores(hidden[:, 0]).squeeze(-1)
        return Outputs(functional.mse_loss(numbers, targets["value"]), numbers)


class Regression(Form):
    """Two texts, one number."""

    first_token_only = True

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return NumberHead(hidden_size, 1, dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        return {"value": torch.tensor(self.gold(examples))}

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list(logits.tolist())

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["value"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """The mean for all: every constant has the same correlation, none."""
        return [[fmean(self.gold(examples))] * len(examples)]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        """Return numbers between the lowest and the highest one."""
        values = self.gold(examples)
        return list(rng.uniform(min(values), max(values), len(values)).tolist())
