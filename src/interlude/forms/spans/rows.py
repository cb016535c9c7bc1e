"""A text with one span or two: one sequence, the places of the spans, and a set of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows
from interlude.forms.text_tokens import SPAN_TYPES, encode_with_spans


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    examples = encode_with_spans(rows, tokenizer, max_length)
    return [
        {**example, "labels": sorted(set(row["labels"]))}
        for example, row in zip(examples, rows, strict=True)
    ]


ROWS = Rows(_encode, types={**SPAN_TYPES, "labels": pa.list_(pa.int16())})
