"""Pairs that are scored per question: answer options (MultiRC) and candidates (ReCoRD)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from interlude.forms.base import Row
from interlude.forms.classification import Pair


class AnswerOption(Pair):
    """An option of a question, right or wrong; several options of a question may be right."""

    kept_together = "question"

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        examples = super().encode(rows, tokenizer, max_length)
        return [
            {**example, "question": row["question_id"]}
            for example, row in zip(examples, rows, strict=True)
        ]

    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return _columns(examples, "question", "label")


class Candidate(AnswerOption):
    """A candidate for the answer of a question, whose best-scored candidate is the answer.

    A prediction is the log-odds of label 1.
    """

    def encode(self, rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
        examples = super().encode(rows, tokenizer, max_length)
        return [
            {**example, "answer": row["answer"], "answers": row["answers"]}
            for example, row in zip(examples, rows, strict=True)
        ]

    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return list((logits[:, 1] - logits[:, 0]).tolist())

    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return _columns(examples, "question", "answer", "answers")

    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """The same score for all, so that the first candidate of each question is its answer."""
        return [[0.0] * len(examples)]

    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return list(rng.random(len(examples)).tolist())


def _columns(examples: Sequence[Row], *names: str) -> list[Any]:
    return [{name: example[name] for name in names} for example in examples]
