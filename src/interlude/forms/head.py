"""What the head side of a form is: how encoded examples become a batch, and a batch predictions.

An example is one token sequence (single, pair, tagging, span) or several (choice: one for each
answer). All sequences of a batch pass through the encoder together; the form's head then
reads their hidden states.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from interlude.forms.examples import Row

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Outputs:
    """What a head gives for a batch: its loss, and logits that `Form.decode` understands.

    told: the loss to report, where its unit differs from that of the minimised loss.
    """

    loss: Tensor
    logits: Tensor
    told: Tensor | None = None


@dataclass(frozen=True)
class Scale:
    """Mean and population standard deviation of numbers: 0 and 1 of the unit of a head."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray) -> Scale:
        """Return the scale of numbers in float64; of equal ones the deviation counts as 1."""
        numbers = np.asarray(values, dtype=np.float64)
        if np.ptp(numbers) == 0:
            return cls(float(numbers[0]), 1.0)
        return cls(float(numbers.mean()), float(numbers.std()))

    def standard(self, values: Sequence[float]) -> list[float]:
        """Return numbers of the user's unit in that of the head."""
        return [(value - self.mean) / self.deviation for value in values]


class Form(ABC):
    """A form and its head. One instance per task; `labels` are its label names, if it has any.

    kept_together: the column that examples share which a cap keeps or drops together.
    first_token_only: whether the head reads the hidden state of the first token and no other.
    every_token: whether the head is a `TiedHead`, so that each token's embedding has a gradient.
    scale: of targets that are standardised; None where they are not, as labels never are.
    """

    kept_together: ClassVar[str | None] = None
    first_token_only: ClassVar[bool] = False
    every_token: ClassVar[bool] = False
    scale: Scale | None = None

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = list(labels)

    def trainable(self, examples: pa.Table) -> np.ndarray:
        """Return which examples to train on, bool [examples]: all whose answer was not cut off."""
        return np.ones(examples.num_rows, dtype=bool)

    def standardise(self, examples: pa.Table) -> None:
        """Take the scale of targets from the examples to train on; TypeError if they are labels."""
        raise TypeError(f"{type(self).__name__}: its targets are labels, which have no scale")

    def warnings(self, examples: pa.Table) -> list[str]:
        """Return what a user should know of the targets that are trained on."""
        return []

    def seen(self, examples: list[Row], rng: np.random.Generator) -> list[Row]:
        """Return training examples as a step sees them; rng: of this step of the training."""
        return examples

    def are_alike(self, predictions: Sequence[Any]) -> bool:
        """Return whether predictions are all the same."""
        return all(prediction == predictions[0] for prediction in predictions)

    @abstractmethod
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """Return a fresh head; called with (hidden states, targets) it gives Outputs."""

    @abstractmethod
    def targets(self, examples: Sequence[Row]) -> Tensors:
        """Return the tensors, beside the token sequences, that the head needs."""

    @abstractmethod
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        """Return one prediction per example."""

    @abstractmethod
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        """Return one reference per example, in the shape that the metric expects."""

    @abstractmethod
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """Return the predictions for all examples of each constant predictor that may be best."""

    @abstractmethod
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        """Return one uniform random guess per example."""


class TiedHead(nn.Module):
    """A head that multiplies with the encoder's input embedding: one parameter of both."""

    def tie(self, embedding: nn.Module) -> None:
        """Use the embedding of the encoder that the head is on."""
        self._embedding = (embedding,)  # a tuple hides it: it is a part of the encoder, not of this

    @property
    def tied(self) -> Tensor:
        """The embedding of each token, [tokens, width]."""
        weight: Tensor = self._embedding[0].weight  # type: ignore[assignment]
        return weight


class LinearHead(nn.Module):
    """Dropout and a linear layer: what most heads make of hidden states."""

    def __init__(self, hidden_size: int, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size, n_outputs)

    def scores(self, hidden: Tensor) -> Tensor:
        """Return [.., hidden] -> [.., outputs], in fp32."""
        scores: Tensor = self.linear(self.dropout(hidden)).float()
        return scores


def label_targets(examples: Sequence[Row]) -> Tensors:
    """Return the `label` of each example as {"label": int64 [examples]}."""
    return {"label": torch.tensor([example["label"] for example in examples])}


def columns_of(examples: Sequence[Row], *names: str) -> list[Any]:
    """Return of each example the columns of these names."""
    return [{name: example[name] for name in names} for example in examples]
