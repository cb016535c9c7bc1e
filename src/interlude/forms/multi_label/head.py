"""Which labels a text has; one, several or none: a sigmoid for each, on the first token."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import LinearHead, Outputs, Tensors
from interlude.forms.label_sets import LabelSets


class MultiLabelHead(LinearHead):
    """Dropout and a linear layer on the first token: [examples, length, hidden] -> [.., labels].

    The loss is the mean over examples and labels of the binary cross entropy.
    """

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        logits = self.scores(hidden[:, 0])
        loss = functional.binary_cross_entropy_with_logits(logits, targets["labels"])
        return Outputs(loss, logits)


class MultiLabel(LabelSets):
    """One text, any number of labels."""

    first_token_only = True

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return MultiLabelHead(hidden_size, len(self.labels), dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        return {"labels": self.marks(examples)}
