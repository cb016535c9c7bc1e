"""Words in context: a word in each of two sentences, and one label (WiC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from interlude.forms.base import Outputs, Row, Tensors, per_example
from interlude.forms.text_spans import SpanClassification, covered, placed, text_tokens


class WordsHead(nn.Module):
    """A linear layer on the first token and the mean of each word's tokens, as in jiant.

    [examples, length, hidden] with `spans` [examples, 2, 2] -> [examples, labels].
    """

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(3 * hidden_size, n_labels)

    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        hidden = self.dropout(hidden)
        inside = covered(targets["spans"], hidden.shape[1]).to(hidden.dtype)
        words = inside / inside.sum(-1, keepdim=True) @ hidden
        logits = self.linear(torch.cat([hidden[:, :1], words], 1).flatten(1)).float()
        return Outputs(functional.cross_entropy(logits, targets["label"]), logits)


class WordInContext(SpanClassification):
    """Two texts with a span each; the longer text is cut first when both are too long together."""

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        encoding = tokenizer(
            [row["text_a"] for row in rows],
            [row["text_b"] for row in rows],
            truncation="longest_first",
            max_length=max_length,
            return_offsets_mapping=True,
        )
        return [
            {**example, **_placed_words(tokenizer, encoding, i, row), "label": row["label"]}
            for i, (example, row) in enumerate(zip(per_example(encoding), rows, strict=True))
        ]

    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return WordsHead(hidden_size, len(self.labels), dropout)


def _placed_words(tokenizer: Any, encoding: Any, i: int, row: Row) -> Row:
    return placed(
        text_tokens(tokenizer, encoding, i, row[f"text_{side}"], segment).place(
            row[f"start_{side}"], row[f"end_{side}"]
        )
        for segment, side in enumerate("ab")
    )
