"""A text with two spans: one sequence, and the places of the spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, with_columns
from interlude.forms.text_tokens import SPAN_TYPES, encode_with_spans


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    return with_columns(encode_with_spans(rows, tokenizer, max_length), rows, label="label")


ROWS = Rows(_encode, types=SPAN_TYPES)
