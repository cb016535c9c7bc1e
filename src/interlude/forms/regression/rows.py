"""One text or two: one sequence; the longer text is cut first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, encode_pairs, per_example, with_columns


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    if rows[0]["text_b"] is None:  # then all rows have one text
        texts = [row["text_a"] for row in rows]
        examples = per_example(tokenizer(texts, truncation=True, max_length=max_length))
    else:
        examples = encode_pairs(rows, tokenizer, max_length)
    return with_columns(examples, rows, value="value")


ROWS = Rows(_encode)
