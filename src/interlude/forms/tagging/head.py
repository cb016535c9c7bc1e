"""Tagging: a linear layer on the first sub-word of every word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, LinearHead, Outputs, Tensors

IGNORED = -100  # torch's own ignore_index
NO_TAG = ""  # of a word that has no token or lost it


class WordHead(LinearHead):
    """Tag words: [examples, length, hidden] at `positions` [examples, words] -> [.., n tags].

    A position of 0 stands for a word that is not there (padding, or cut off by truncation);
    its tag is IGNORED.
    """

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        places = targets["positions"].unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
        logits = self.scores(hidden.gather(1, places))
        loss = functional.cross_entropy(
            logits.flatten(0, 1), targets["tags"].flatten(), ignore_index=IGNORED
        )
        return Outputs(loss, logits)


class Tagging(Form):
    """Words with one tag each. One that truncation cut off is predicted as NO_TAG, a wrong one.

    An example of which no word is left is not trained on.
    """

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        """Return which examples show the encoder a word: the loss of others is the mean of none."""
        positions = examples["positions"].combine_chunks()
        shown = pc.greater(pc.list_flatten(positions), 0)
        with_words = np.zeros(len(positions), dtype=bool)
        with_words[pc.list_parent_indices(positions).filter(shown).to_numpy()] = True
        return with_words

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return WordHead(hidden_size, len(self.labels), dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        longest = max(len(example["positions"]) for example in examples)
        positions = torch.zeros(len(examples), longest, dtype=torch.long)
        tags = torch.full((len(examples), longest), IGNORED)
        for i, example in enumerate(examples):
            positions[i, : len(example["positions"])] = torch.tensor(example["positions"])
            tags[i, : len(example["tags"])] = torch.tensor(example["tags"])
        return {"positions": positions, "tags": tags.masked_fill(positions == 0, IGNORED)}

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        best = logits.argmax(-1).tolist()
        return [
            self._visible(row[: len(example["positions"])], example)
            for row, example in zip(best, examples, strict=True)
        ]

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [[self.labels[tag] for tag in example["tags"]] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        return [
            [self._visible([tag] * len(example["tags"]), example) for example in examples]
            for tag in range(len(self.labels))
        ]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return [
            self._visible(rng.integers(len(self.labels), size=len(example["tags"])), example)
            for example in examples
        ]

    def _visible(self, tags: Sequence[int] | np.ndarray, example: Row) -> list[str]:
        """Return the names of predicted tags, and NO_TAG where the encoder sees no word."""
        return [
            self.labels[tag] if place else NO_TAG
            for tag, place in zip(tags, example["positions"], strict=True)
        ]
