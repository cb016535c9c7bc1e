"""Choice among answers: one scalar for each text + answer, softmax over the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, LinearHead, Outputs, Tensors, label_targets


class ChoiceHead(LinearHead):
    """Score every sequence, then lay the scores out as [examples, most choices].

    Examples may differ in their number of choices; absent ones get a score of minus infinity.
    """

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        scores = self.scores(hidden[:, 0]).squeeze(-1)
        present = targets["present"]
        logits = scores.new_full(present.shape, float("-inf")).masked_scatter(present, scores)
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class Choice(Form):
    """A text and a list of answers, one of them right."""

    first_token_only = True

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return ChoiceHead(hidden_size, 1, dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        counts = torch.tensor(_choices(examples))
        present = torch.arange(int(counts.max())) < counts[:, None]
        return {"present": present, **label_targets(examples)}

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list(logits.argmax(-1).tolist())

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["label"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        return [[place] * len(examples) for place in range(max(_choices(examples)))]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return list(rng.integers(_choices(examples)).tolist())


def _choices(examples: Sequence[Row]) -> list[int]:
    return [example["n_choices"] for example in examples]
