"""Regression: two texts and a number, such as how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, LinearHead, Outputs, Scale, Tensors
from interlude.forms.numbers import warnings_of


class NumberHead(LinearHead):
    """A number from the first token, and its mean squared error.

    [examples, length, hidden] with `value` [examples] -> [examples].
    """

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        numbers = self.scores(hidden[:, 0]).squeeze(-1)
        return Outputs(functional.mse_loss(numbers, targets["value"]), numbers)


class ScaledHead(NumberHead):
    """The same on standardised values; what it gives is in the user's unit.

    Its scale is stored with the weights, as buffers: a head that takes over weights keeps its own.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, hidden_size: int, n_outputs: int, dropout: float, scale: Scale) -> None:
        super().__init__(hidden_size, n_outputs, dropout)
        for name, value in asdict(scale).items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        standard = super().forward(hidden, targets)
        numbers = standard.logits.double() * self.deviation + self.mean
        return Outputs(standard.loss, numbers, standard.loss.detach() * self.deviation**2)


class Regression(Form):
    """Two texts, one number."""

    first_token_only = True

    @override
    def standardise(self, examples: pa.Table) -> None:
        self.scale = Scale.of(examples["value"].to_numpy())

    @override
    def warnings(self, examples: pa.Table) -> list[str]:
        return warnings_of(examples["value"].to_numpy())

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        if self.scale is None:
            return NumberHead(hidden_size, 1, dropout)
        return ScaledHead(hidden_size, 1, dropout, self.scale)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        values = self.gold(examples)
        standard = values if self.scale is None else self.scale.standard(values)
        return {"value": torch.tensor(standard)}

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
