"""Edge probing: which labels one span or two spans of a text have; one, several or none.

Head, loss and what counts as predicted are those of Tenney et al. 2019 in jiant, the code of
Pruksachatkun et al. 2020; a task with a single label per target is treated the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Outputs, Tensors
from interlude.forms.label_sets import LabelSets
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


class Spans(LabelSets):
    """A text with one span or two, and their labels.

    All rows of a task have as many spans. An example whose span was cut off is not trained on; in
    evaluation its span is the first token.
    """

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        return with_whole_spans(examples)

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return EdgeHead(hidden_size, len(self.labels), dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        return {"spans": span_targets(examples), "labels": self.marks(examples)}
