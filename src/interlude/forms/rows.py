"""What the rows side of a form is, and what rows sides share: how rows become token sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row

# Flags of an example's sequences, which are counted and not kept: whether truncation took tokens of
# it, and whether one of its texts gives no token.
TRUNCATED, EMPTY = "truncated", "empty"


@dataclass(frozen=True)
class Rows:
    """The rows side of a form.

    encode: (normalised rows, tokenizer, max_length) -> one row per example: `input_ids` and, where
    the tokenizer has them, `token_type_ids` (lists of sequences), the flags of its sequences, and
    what the head needs for its targets and predictions. types: of the columns whose Arrow type,
    inferred from Python values, would be wider than needed, or depend on them.
    """

    encode: Callable[[Sequence[Row], Any, int], list[Row]]
    types: Mapping[str, pa.DataType] = field(default_factory=dict)


def sequences(encoding: Any) -> dict[str, list[Any]]:
    """Return the token sequences of a tokenizer's batch output, and their flags."""
    kept = {"input_ids": encoding["input_ids"]}
    if "token_type_ids" in encoding:
        kept["token_type_ids"] = encoding["token_type_ids"]
    return {
        **kept,
        TRUNCATED: [bool(each.overflowing) for each in encoding.encodings],
        EMPTY: [_lacks_a_text(each) for each in encoding.encodings],
    }


def _lacks_a_text(sequence: Any) -> bool:
    return len({*sequence.sequence_ids} - {None}) < int(sequence.n_sequences)


def per_example(encoding: Any) -> list[Row]:
    """Split a tokenizer's batch output into examples of one sequence each."""
    found = sequences(encoding)
    return [
        {name: [values[i]] for name, values in found.items()}
        for i in range(len(encoding["input_ids"]))
    ]


def encode_pairs(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    """Tokenise `text_a` and `text_b` of each row as one sequence.

    The longer text is cut first when both are too long together.
    """
    first = [row["text_a"] for row in rows]
    second = [row["text_b"] for row in rows]
    encoding = tokenizer(first, second, truncation="longest_first", max_length=max_length)
    return per_example(encoding)


def with_columns(examples: Sequence[Row], rows: Sequence[Row], **columns: str) -> list[Row]:
    """Return the examples with columns of their rows: what each is called here, and there."""
    return [
        {**example, **{name: row[column] for name, column in columns.items()}}
        for example, row in zip(examples, rows, strict=True)
    ]
