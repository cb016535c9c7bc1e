"""Two texts: one sequence; the longer text is cut first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, encode_pairs, with_columns


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    return with_columns(encode_pairs(rows, tokenizer, max_length), rows, label="label")


ROWS = Rows(_encode)
