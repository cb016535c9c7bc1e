"""Candidates, scored per question (ReCoRD)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor
from typing_extensions import override

from interlude.forms.classification import FirstTokenClassification
from interlude.forms.examples import Row
from interlude.forms.head import columns_of


class Candidate(FirstTokenClassification):
    """A candidate for the answer of a question, whose best-scored candidate is the answer.

    A prediction is the log-odds of label 1.
    """

    kept_together = "question"

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list((logits[:, 1] - logits[:, 0]).tolist())

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return columns_of(examples, "question", "answer", "answers")

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """The same score for all, so that the first candidate of each question is its answer."""
        return [[0.0] * len(examples)]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return list(rng.random(len(examples)).tolist())
