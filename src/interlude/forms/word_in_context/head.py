"""Words in context: a word in each of two sentences, and one label (WiC)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.head import Outputs, Tensors
from interlude.forms.span_heads import SpanClassification, covered


class WordsHead(nn.Module):
    """A linear layer on the first token and the mean of each word's tokens, as in jiant.

    [examples, length, hidden] with `spans` [examples, 2, 2] -> [examples, labels].
    """

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(3 * hidden_size, n_labels)

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        hidden = self.dropout(hidden)
        inside = covered(targets["spans"], hidden.shape[1]).to(hidden.dtype)
        words = inside / inside.sum(-1, keepdim=True) @ hidden
        logits = self.linear(torch.cat([hidden[:, :1], words], 1).flatten(1)).float()
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class WordInContext(SpanClassification):
    """Two texts with a span each."""

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return WordsHead(hidden_size, len(self.labels), dropout)
