"""Two texts with a word in each: one sequence; the longer text is cut first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, per_example
from interlude.forms.text_tokens import SPAN_TYPES, placed, text_tokens


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    encoding = tokenizer(
        [row["text_a"] for row in rows],
        [row["text_b"] for row in rows],
        truncation="longest_first",
        max_length=max_length,
        return_offsets_mapping=True,
    )
    return [
        {**example, **_placed_words(tokenizer, encoding, i, row), "label": row["label"]}
        for i, (example, row) in enumerate(zip(per_example(encoding), rows, strict=True))
    ]


def _placed_words(tokenizer: Any, encoding: Any, i: int, row: Row) -> Row:
    return placed(
        text_tokens(tokenizer, encoding, i, row[f"text_{side}"], segment).place(
            row[f"start_{side}"], row[f"end_{side}"]
        )
        for segment, side in enumerate("ab")
    )


ROWS = Rows(_encode, types=SPAN_TYPES)
