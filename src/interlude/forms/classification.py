"""What the heads that choose one label out of a fixed list share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, LinearHead, Outputs, Tensors, label_targets


class FirstTokenHead(LinearHead):
    """Dropout and a linear layer on the first token: [examples, length, hidden] -> [.., n]."""

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        logits = self.scores(hidden[:, 0])
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class Classification(Form):
    """One label out of a fixed list."""

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        return label_targets(examples)

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list(logits.argmax(-1).tolist())

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["label"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """Each label that occurs: others are never right, and there may be 1,000."""
        occurring = sorted({example["label"] for example in examples})
        return [[label] * len(examples) for label in occurring]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return list(rng.integers(len(self.labels), size=len(examples)).tolist())


class FirstTokenClassification(Classification):
    """One label, read from the first token's vector."""

    first_token_only = True

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return FirstTokenHead(hidden_size, len(self.labels), dropout)
