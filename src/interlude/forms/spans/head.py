"""Edge probing: which labels one span or two spans of a text have; one, several or none.

Head, loss and what counts as predicted are those of Tenney et al. 2019 in jiant, the code of
Pruksachatkun et al. 2020; a task with a single label per target is treated the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, Outputs, Tensors
from interlude.forms.span_heads import SpanPooling, span_targets, with_whole_spans

MOST_SPANS = 2
SIZE = 256  # of a span's vector and of the hidden layer
DROPOUT = 0.3  # of the hidden layer; that of the hidden states is the run's


class EdgeHead(nn.Module):
    """A vector for each span, a hidden layer and a sigmoid for each label.

    [examples, length, hidden] with `spans` [examples, 1 or 2, 2] -> [examples, labels].
    """

    def __init__(self, hidden_size: int, n_labels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.poolings = nn.ModuleList(SpanPooling(hidden_size, SIZE) for _ in range(MOST_SPANS))
        self.classifier = nn.Sequential(
            nn.Linear(MOST_SPANS * SIZE, SIZE),
            nn.Tanh(),
            nn.LayerNorm(SIZE),
            nn.Dropout(DROPOUT),
            nn.Linear(SIZE, n_labels),
        )

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        hidden = self.dropout(hidden)
        spans = targets["spans"].unbind(1)
        pooled = [pool(hidden, span) for pool, span in zip(self.poolings, spans, strict=False)]
        absent = SIZE * (MOST_SPANS - len(spans))  # the vector of a span that is not there is 0
        logits = self.classifier(functional.pad(torch.cat(pooled, -1), (0, absent))).float()
        loss = functional.binary_cross_entropy_with_logits(logits, targets["labels"])
        return Outputs(loss, logits)


class Spans(Form):
    """A text with one span or two, and their labels.

    All rows of a task have as many spans. Predictions and gold are sorted label numbers. An
    example whose span was cut off is not trained on; in evaluation its span is the first token.
    """

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        return with_whole_spans(examples)

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return EdgeHead(hidden_size, len(self.labels), dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        labels = torch.zeros(len(examples), len(self.labels))
        for row, example in zip(labels, examples, strict=True):
            row[example["labels"]] = 1
        return {"spans": span_targets(examples), "labels": labels}

    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        """Return the labels whose probability is above one half."""
        return [np.flatnonzero(row).tolist() for row in (logits > 0).cpu().numpy()]

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["labels"] for example in examples]

    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """No label for all, and the labels that have the best micro F1 when all get them.

        The other sets of labels, 2^labels of them, are left out.
        """
        return [[labels] * len(examples) for labels in ([], _best_for_all(examples))]

    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        """Return one label for each example."""
        return list(rng.integers(len(self.labels), size=(len(examples), 1)).tolist())


def _best_for_all(examples: Sequence[Row]) -> list[int]:
    """Return the labels with the highest micro F1 when they are predicted for all examples.

    Among sets of k labels, the k most frequent ones have the most hits:
    F1 = 2 hits / (k examples + gold labels).
    """
    frequent = Counter(chain.from_iterable(e["labels"] for e in examples)).most_common()
    counts = np.array([count for _, count in frequent])
    sizes = np.arange(1, len(counts) + 1)
    f1 = 2 * counts.cumsum() / (sizes * len(examples) + counts.sum())
    best = int(f1.argmax()) + 1 if len(f1) else 0
    return sorted(label for label, _ in frequent[:best])
