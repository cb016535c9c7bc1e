"""Choice among spans: a score for each of them, 0 for none, softmax over all of these.

As antecedents are scored in Lee et al. 2017: by the span that is asked about, the span in question
and their product; "none of them" is the antecedent whose score is always 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import NO_CHOICE, Row
from interlude.forms.head import Form, Outputs, Tensors
from interlude.forms.span_heads import SpanPooling, with_whole_spans

SIZE = 256  # of a span's vector and of the hidden layer


class SpanChoiceHead(nn.Module):
    """Score spans: [examples, length, hidden] -> [examples, most choices + 1], the last for none.

    `asked` [examples, 2] and `choices` [examples, most choices, 2] are first and last tokens;
    `present` [examples, most choices] says which exist: absent ones score minus infinity.
    """

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.asked = SpanPooling(hidden_size, SIZE)
        self.choice = SpanPooling(hidden_size, SIZE)
        self.scorer = nn.Sequential(nn.Linear(3 * SIZE, SIZE), nn.Tanh(), nn.Linear(SIZE, 1))

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        hidden = self.dropout(hidden)
        asked = self.asked(hidden, targets["asked"])
        choices = [self.choice(hidden, spans) for spans in targets["choices"].unbind(1)]
        pairs = torch.stack([torch.cat([asked, each, asked * each], -1) for each in choices], 1)
        scores = self.scorer(pairs).float().squeeze(-1)
        scores = scores.masked_fill(~targets["present"], float("-inf"))
        logits = functional.pad(scores, (0, 1))
        return Outputs(functional.cross_entropy(logits, targets["right"]), logits)


class SpanChoice(Form):
    """A text with spans of which one is right, or none.

    Where no span is asked about, the first token of the sequence stands for it. An example that
    lost a span is not trained on; in evaluation that span is the first token.
    """

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        return with_whole_spans(examples)

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return SpanChoiceHead(hidden_size, dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        most = max(_counts(examples))
        asked = torch.zeros(len(examples), 2, dtype=torch.long)
        choices = torch.zeros(len(examples), most, 2, dtype=torch.long)
        for i, example in enumerate(examples):
            count = example["n_choices"]
            places = [example["span_starts"], example["span_ends"]]
            spans = torch.tensor(places).T.clamp(min=0)
            choices[i, :count] = spans[-count:]
            asked[i] = spans[0] if len(spans) > count else 0
        present = torch.arange(most) < torch.tensor(_counts(examples))[:, None]
        right = torch.tensor(self.gold(examples))
        right = right.masked_fill(right == NO_CHOICE, most)
        return {"asked": asked, "choices": choices, "present": present, "right": right}

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        best = logits.argmax(-1)
        return list(best.masked_fill(best == logits.shape[1] - 1, NO_CHOICE).tolist())

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["right"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        return [[right] * len(examples) for right in sorted({*self.gold(examples)})]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        """Return one of the spans, or none of them where that occurs."""
        lowest = NO_CHOICE if NO_CHOICE in self.gold(examples) else 0
        return list(rng.integers(lowest, _counts(examples)).tolist())


def _counts(examples: Sequence[Row]) -> list[int]:
    return [example["n_choices"] for example in examples]
