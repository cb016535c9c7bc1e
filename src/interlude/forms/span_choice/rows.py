"""A text with spans to choose from: one sequence, and the places of the spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows
from interlude.forms.text_tokens import SPAN_TYPES, encode_with_spans


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    examples = encode_with_spans(rows, tokenizer, max_length, _spans_of)
    return [
        {**example, "n_choices": len(row["choice_starts"]), "right": row["label"]}
        for example, row in zip(examples, rows, strict=True)
    ]


def _spans_of(row: Row) -> list[tuple[int, int]]:
    """Return the span that is asked about, where there is one, and those to choose from."""
    asked = [] if row["span_start"] is None else [(row["span_start"], row["span_end"])]
    return [*asked, *zip(row["choice_starts"], row["choice_ends"], strict=True)]


ROWS = Rows(_encode, types={**SPAN_TYPES, "n_choices": pa.int32()})
