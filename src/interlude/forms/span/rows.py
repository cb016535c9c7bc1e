"""A question and a passage: one sequence; the longer of the two is cut first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, per_example
from interlude.forms.text_tokens import text_tokens


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    encoding = tokenizer(
        [row["question"] for row in rows],
        [row["passage"] for row in rows],
        truncation="longest_first",
        max_length=max_length,
        return_offsets_mapping=True,
    )
    return [
        {**example, **_aligned(tokenizer, encoding, i, row)}
        for i, (example, row) in enumerate(zip(per_example(encoding), rows, strict=True))
    ]


def _aligned(tokenizer: Any, encoding: Any, i: int, row: Row) -> Row:
    """Return where passage and answer lie among the tokens of example i.

    `token_starts` and `token_ends` are characters of the passage for each of its tokens;
    `answer_start` and `answer_end` are places in the whole sequence, the end inclusive, or CUT.
    """
    passage = text_tokens(tokenizer, encoding, i, row["passage"], segment=1)
    start, end = passage.place(row["start"], row["end"])
    offsets = passage.offsets[: passage.kept]
    return {
        "passage": row["passage"],
        "passage_start": passage.first,
        "token_starts": [start for start, _ in offsets],
        "token_ends": [end for _, end in offsets],
        "answer_start": start,
        "answer_end": end,
        "answers": row["answers"],
    }


ROWS = Rows(
    _encode,
    types={
        "token_starts": pa.list_(pa.int32()),
        "token_ends": pa.list_(pa.int32()),
        "answers": pa.list_(pa.string()),
    },
)
