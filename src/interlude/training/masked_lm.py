"""Masked language modelling as one more task: tokens are masked, and to be guessed.

Its texts are those of a file, or the encoded sequences of tasks, whole: of a pair both texts, of a
choice each answer with its text. An example is then what it is for the task that it is of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.errors import InputError
from interlude.forms.examples import INPUTS, Row
from interlude.forms.head import Form, Tensors
from interlude.metrics.masked_accuracy import MOST, masked_accuracy
from interlude.training.data import TaskData, TextData
from interlude.training.masked_lm_head import fresh_head, take_pretrained
from interlude.training.masking import (
    Vocabulary,
    maskable,
    masked,
    masked_table,
    read_vocabulary,
)

MEASURED = 0  # seed of the masks of what is measured: the same in all trainings on the same texts
COLUMNS = ("id", "length", "tokens", *INPUTS)


class MaskedLm(Form):
    """Texts with masked tokens. Predictions, see `masked_accuracy`; references, the tokens.

    pretrained: begin with the head of the model's checkpoint, where it has one.
    """

    every_token = True

    def __init__(self, model: Path, vocabulary: Vocabulary, pretrained: bool) -> None:
        super().__init__([])
        self.model, self.vocabulary, self.pretrained = model, vocabulary, pretrained

    @override
    def seen(self, examples: list[Row], rng: np.random.Generator) -> list[Row]:
        return masked(examples, self.vocabulary, rng)

    @override
    def head(self, hidden_size: int, dropout: float) -> nn.Module:
        """Return the head; it has no dropout, as that of BERT has none."""
        head = fresh_head(self.model, hidden_size)
        if self.pretrained:
            take_pretrained(head, self.model)
        return head

    @override
    def targets(self, examples: Sequence[Row]) -> Tensors:
        places = [of_sequence for row in examples for of_sequence in row["masked"]]
        numbers = np.repeat(np.arange(len(places)), [len(each) for each in places])
        return {
            "sequence": torch.from_numpy(numbers),
            "place": torch.tensor([place for each in places for place in each]),
            "token": torch.tensor([token for row in examples for token in row["originals"]]),
        }

    @override
    def decode(self, logits: Tensor, examples: Sequence[Row]) -> list[Any]:
        counts = [len(row["originals"]) for row in examples]
        of_examples = torch.split(logits.cpu(), counts)
        return [
            {"tokens": tokens.int().tolist(), "surprisals": surprisals.nan_to_num(MOST).tolist()}
            for tokens, surprisals in (each.unbind(-1) for each in of_examples)
        ]

    @override
    def gold(self, examples: Sequence[Row]) -> list[Any]:
        return [row["originals"] for row in examples]

    @override
    def constants(self, examples: Sequence[Row]) -> list[list[Any]]:
        """Return the most frequent masked token for all: no other constant is better."""
        counts = Counter(token for row in examples for token in row["originals"])
        ((token, _),) = counts.most_common(1)
        return [[_guessed([token] * len(row["originals"])) for row in examples]]

    @override
    def guesses(self, examples: Sequence[Row], rng: np.random.Generator) -> list[Any]:
        tokens = np.flatnonzero(self.vocabulary.ordinary)
        return [_guessed(rng.choice(tokens, len(row["originals"])).tolist()) for row in examples]

    @override
    def are_alike(self, predictions: Sequence[Any]) -> bool:
        return len({token for each in predictions for token in each["tokens"]}) <= 1


def _guessed(tokens: list[int]) -> dict[str, Any]:
    return {"tokens": tokens, "surprisals": []}


def masked_lm(texts: Sequence[TaskData | TextData], model: Path, pretrained: bool) -> TaskData:
    """Return texts, such as the sequences of tasks, with masks for the model of a folder.

    Trained on are their training examples, measured their validation examples, whose masks are
    drawn once and are always the same. InputError when the tokenizer has no mask token, or no text
    has a token that may be masked.
    """
    vocabulary = read_vocabulary(model)
    train, validation = (
        _with_candidates([getattr(each, part) for each in texts], vocabulary, part)
        for part in ("train", "validation")
    )
    return TaskData(
        form=MaskedLm(model, vocabulary, pretrained),
        metric=masked_accuracy,
        train=train,
        validation=masked_table(validation, vocabulary, np.random.default_rng(MEASURED)),
        pad_id=texts[0].pad_id,
    )


def _with_candidates(tables: Sequence[pa.Table], vocabulary: Vocabulary, part: str) -> pa.Table:
    """Return the texts of several tables that have a token to mask."""
    columns = [name for name in tables[0].column_names if name in COLUMNS]
    texts = pa.concat_tables([table.select(columns).replace_schema_metadata() for table in tables])
    kept = maskable(texts, vocabulary)
    if not kept.any():
        raise InputError(
            f"part mlm: found no text in {part} with a token that is not special. "
            "Allowed: texts of some words."
        )
    return texts if kept.all() else texts.filter(pa.array(kept))
