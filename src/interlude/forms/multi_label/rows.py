"""A text with a set of labels: one sequence, its end cut off when it is too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, per_example, with_columns


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    texts = [row["text"] for row in rows]
    encoding = tokenizer(texts, truncation=True, max_length=max_length)
    return with_columns(per_example(encoding), rows, labels="labels")


ROWS = Rows(_encode, types={"labels": pa.list_(pa.int16())})
