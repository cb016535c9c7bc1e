"""A question and an option: one sequence, as a pair, and which question it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, encode_pairs, with_columns


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    examples = encode_pairs(rows, tokenizer, max_length)
    return with_columns(examples, rows, label="label", question="question_id")


ROWS = Rows(_encode)
