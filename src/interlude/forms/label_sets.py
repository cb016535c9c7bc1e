"""What the heads that choose any number of labels for an example share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form


class LabelSets(Form):
    """One label, several or none out of a fixed list; predictions and gold are sorted numbers."""

    def marks(self, examples: Sequence[Row]) -> Tensor:
        """Return 1 where an example has a label, float [examples, labels]."""
        marks = torch.zeros(len(examples), len(self.labels))
        for row, example in zip(marks, examples, strict=True):
            row[example["labels"]] = 1
        return marks

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        """Return the labels whose probability is above one half."""
        return [np.flatnonzero(row).tolist() for row in (logits > 0).cpu().numpy()]

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["labels"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """No label for all, and the labels that have the best micro F1 when all get them.

        The other sets of labels, 2^labels of them, are left out.
        """
        return [[labels] * len(examples) for labels in ([], _best_for_all(examples))]

    @override
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
