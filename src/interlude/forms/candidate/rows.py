"""A passage and a candidate in its place: one sequence, as a pair, and what is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, encode_pairs, with_columns


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    return with_columns(
        encode_pairs(rows, tokenizer, max_length),
        rows,
        label="label",
        question="question_id",
        answer="answer",
        answers="answers",
    )


ROWS = Rows(_encode, types={"answers": pa.list_(pa.string())})
