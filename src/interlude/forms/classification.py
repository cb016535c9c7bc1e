"""Single sentences and pairs: a linear layer on the first token's vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from interlude.forms.base import Form, Outputs, Row, Tensors, label_targets, per_example


class FirstTokenHead(nn.Module):
    """Dropout and a linear layer on the first token: [examples, length, hidden] -> [.., n]."""

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size, n_labels)

    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        logits = self.linear(self.dropout(hidden[:, 0])).float()
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class Classification(Form):
    """What single and pair have in common: one label out of a fixed list."""

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return FirstTokenHead(hidden_size, len(self.labels), dropout)

    def targets(self, examples: Sequence[Row]) -> Tensors:
        return label_targets(examples)

    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list(logits.argmax(-1).tolist())

    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["label"] for example in examples]

    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """Each label that occurs: one that does not is right nowhere, and there may be 1,000."""
        occurring = sorted({example["label"] for example in examples})
        return [[label] * len(examples) for label in occurring]

    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return list(rng.integers(len(self.labels), size=len(examples)).tolist())


class Single(Classification):
    """One text, one label."""

    first_token_only = True

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        texts = [row["text"] for row in rows]
        encoding = tokenizer(texts, truncation=True, max_length=max_length)
        return _with_labels(encoding, rows)


class Pair(Classification):
    """Two texts, one label; the longer text is cut first when both are too long together."""

    first_token_only = True

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        first = [row["text_a"] for row in rows]
        second = [row["text_b"] for row in rows]
        encoding = tokenizer(first, second, truncation="longest_first", max_length=max_length)
        return _with_labels(encoding, rows)


def _with_labels(encoding: Any, rows: Sequence[Row]) -> list[Row]:
    return [
        {**example, "label": row["label"]}
        for example, row in zip(per_example(encoding), rows, strict=True)
    ]
