"""Span extraction: start and end of the answer in the passage, one linear layer for both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from interlude.forms.examples import CUT, Row
from interlude.forms.head import Form, LinearHead, Outputs, Tensors

MOST_TOKENS = 30  # longest answer that is predicted, as in the SQuAD baselines


class SpanHead(LinearHead):
    """Start and end scores of passage tokens: [examples, length, hidden] -> [.., 2, length]."""

    @override
    def forward(self, hidden: Tensor, targets: Tensors) -> Outputs:
        scores = self.scores(hidden).transpose(1, 2)
        logits = scores.masked_fill(~targets["in_passage"][:, None], float("-inf"))
        loss = functional.cross_entropy(
            logits.flatten(0, 1), targets["answer"].flatten(), ignore_index=CUT
        )
        return Outputs(loss, logits)


class Span(Form):
    """A question and a passage that holds the answer."""

    @override
    def trainable(self, examples: pa.Table) -> np.ndarray:
        whole: np.ndarray = examples["answer_start"].to_numpy() != CUT
        return whole

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        return SpanHead(hidden_size, 2, dropout)

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        longest = max(len(example["input_ids"][0]) for example in examples)
        in_passage = torch.zeros(len(examples), longest, dtype=torch.bool)
        for i, example in enumerate(examples):
            first = example["passage_start"]
            in_passage[i, first : first + len(example["token_starts"])] = True
        answer = [[example["answer_start"], example["answer_end"]] for example in examples]
        return {"in_passage": in_passage, "answer": torch.tensor(answer)}

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        return [
            _best_text(scores, example) for scores, example in zip(logits, examples, strict=True)
        ]

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [example["answers"] for example in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """The whole passage, its first and its last word: there is no most frequent answer."""
        words = [example["passage"].split() for example in examples]
        whole = [example["passage"] for example in examples]
        return [whole, [word[0] for word in words], [word[-1] for word in words]]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        return [_random_words(example["passage"].split(), rng) for example in examples]


def _best_text(scores: Tensor, example: Row) -> str:
    """Return the passage text with the highest start + end score, at most MOST_TOKENS long."""
    n_tokens = len(example["token_starts"])
    if n_tokens == 0:
        return ""
    first = example["passage_start"]
    start, end = scores[:, first : first + n_tokens]
    allowed = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu().tril(MOST_TOKENS - 1)
    joint = (start[:, None] + end[None]).masked_fill(~allowed.to(start.device), float("-inf"))
    left, right = divmod(int(joint.argmax()), n_tokens)
    text: str = example["passage"]
    return text[example["token_starts"][left] : example["token_ends"][right]]


def _random_words(words: list[str], rng: np.random.Generator) -> str:
    start = int(rng.integers(len(words)))
    length = int(rng.integers(1, MOST_TOKENS))
    return " ".join(words[start : start + length])
