"""Words: one sequence, and the place of each word's first token.

The words are tokenised as one text, joined by blanks: that is what the encoder was trained on, and
byte-level tokenizers would take words on their own for the beginnings of texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, per_example
from interlude.forms.text_tokens import text_tokens


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    texts = [" ".join(row["tokens"]) for row in rows]
    encoding = tokenizer(texts, truncation=True, max_length=max_length, return_offsets_mapping=True)
    tokens = [text_tokens(tokenizer, encoding, i, text) for i, text in enumerate(texts)]
    positions = [
        of_text.first_places(_characters(row["tokens"]))
        for of_text, row in zip(tokens, rows, strict=True)
    ]
    return [
        {**example, "positions": places, "tags": row["tags"]}
        for example, places, row in zip(per_example(encoding), positions, rows, strict=True)
    ]


def _characters(words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the characters [start, end) of each word in the words joined by blanks."""
    ends = accumulate(len(word) + 1 for word in words)
    return [(end - 1 - len(word), end - 1) for word, end in zip(words, ends, strict=True)]


ROWS = Rows(_encode, types={"positions": pa.list_(pa.int32()), "tags": pa.list_(pa.int16())})
