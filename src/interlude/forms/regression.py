"""Regression: two texts and a number, such as how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from interlude.forms.base import Form, Outputs, Row, Tensors, per_example


class NumberHead(nn.Module):
    """A number from the first token, and its mean squared error.

    [examples, length, hidden] with `value` [examples] -> [examples].
    """

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size, 1)

    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        numbers = self.linear(self.dropout(hidden[:, 0])).float().squeeze(-1)
        return Outputs(functional.mse_loss(numbers, targets["value"]), numbers)


class Regression(Form):
    """Two texts, one number; the longer text is cut first when both are too long together."""

    first_token_only = True

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        first = [row["text_a"] for row in rows]
        second = [row["text_b"] for row in rows]
        encoding = tokenizer(first, second, truncation="longest_first", max_length=max_length)
        return [
            {**example, "value": row["value"]}
            for example, row in zip(per_example(encoding), rows, strict=True)
        ]

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return NumberHead(hidden_size, dropout)

    def targets(self, examples: Sequence[Row]) -> Tensors:
        return {"value": torch.tensor(self.gold(examples))}

    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list(logits.tolist())

    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["value"] for example in examples]

    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """The mean for all: every constant has the same correlation, none."""
        return [[fmean(self.gold(examples))] * len(examples)]

    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        """Return numbers between the lowest and the highest one."""
        values = self.gold(examples)
        return list(rng.uniform(min(values), max(values), len(values)).tolist())
