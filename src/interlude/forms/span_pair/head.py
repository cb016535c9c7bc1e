"""Two spans of a text, one label: WSC, is the pronoun the noun phrase?"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.head import Outputs, Tensors
from interlude.forms.span_heads import SpanClassification, SpanPooling

SIZE = 512  # of a span's vector, as in jiant's span classifier


class SpanPairHead(nn.Module):
    """A vector for each of two spans, and a linear layer on both.

    [examples, length, hidden] with `spans` [examples, 2, 2] -> [examples, labels].
    """

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.poolings = nn.ModuleList(SpanPooling(hidden_size, SIZE) for _ in range(2))
        self.linear = nn.Linear(2 * SIZE, n_labels)

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        hidden = self.dropout(hidden)
        spans = targets["spans"].unbind(1)
        pooled = [pool(hidden, span) for pool, span in zip(self.poolings, spans, strict=True)]
        logits = self.linear(torch.cat(pooled, -1)).float()
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class SpanPair(SpanClassification):
    """A text with two spans."""

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return SpanPairHead(hidden_size, len(self.labels), dropout)
