"""What the heads that read spans share: the tokens of a span, and one vector for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.forms.classification import Classification
from interlude.forms.examples import CUT, Row
from interlude.forms.head import Tensors, label_targets


def with_whole_spans(examples: pa.Table) -> np.ndarray:
    """Return which examples have all of their spans, bool [examples]."""
    starts = examples["span_starts"].combine_chunks()
    cut = pc.equal(pc.list_flatten(starts), CUT)
    whole = np.ones(len(starts), dtype=bool)
    whole[pc.list_parent_indices(starts).filter(cut).to_numpy()] = False
    return whole


class SpanClassification(Classification):
    """One label for two spans, of one text or of two.

    An example whose span was cut off is not trained on; in evaluation the span is the first token.
    """

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        return with_whole_spans(examples)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        return {"spans": span_targets(examples), **label_targets(examples)}


def span_targets(examples: Sequence[Row]) -> Tensor:
    """Return first and last token of each span: [examples, spans, 2].

    A span that was cut off is read as the first token of the sequence, so that an example to
    evaluate on always gets a prediction.
    """
    bounds = [[example["span_starts"], example["span_ends"]] for example in examples]
    return torch.tensor(bounds).transpose(1, 2).clamp(min=0)


def covered(spans: Tensor, length: int) -> Tensor:
    """Return which tokens spans [..., 2] cover, the last included: bool [..., length]."""
    places = torch.arange(length, device=spans.device)
    return (places >= spans[..., :1]) & (places <= spans[..., 1:])


class SpanPooling(nn.Module):
    """One vector for a span: its projected tokens, weighted by attention among them.

    The pooling of Tenney et al. 2019, from Lee et al. 2017: each token has a learned score, and the
    weights are the softmax of the scores within the span.
    """

    def __init__(self, hidden_size: int, size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(hidden_size, size)
        self.score = nn.Linear(size, 1, bias=False)  # softmax is blind to a bias

    @override
    def forward(self, hidden: Tensor, spans: Tensor) -> Tensor:
        """Pool hidden states [examples, length, hidden] over spans [examples, 2]: [.., size]."""
        tokens = self.projection(hidden)
        scores = self.score(tokens).float().squeeze(-1)
        outside = ~covered(spans, hidden.shape[1])
        weights = scores.masked_fill(outside, float("-inf")).softmax(-1)
        pooled: Tensor = (weights[:, None] @ tokens).squeeze(1)
        return pooled
