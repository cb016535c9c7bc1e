"""A text with each of its answers: as many sequences; the longer of the two is cut first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from interlude.forms.examples import Row
from interlude.forms.rows import Rows, sequences


def _encode(rows: Sequence[Row], tokenizer: Any, max_length: int) -> list[Row]:
    first = [row["text"] for row in rows for _ in row["choices"]]
    second = list(chain.from_iterable(row["choices"] for row in rows))
    encoding = sequences(
        tokenizer(first, second, truncation="longest_first", max_length=max_length)
    )
    ends = np.cumsum([len(row["choices"]) for row in rows])
    spans = zip([0, *ends[:-1]], ends, rows, strict=True)
    return [
        {
            **{name: lists[start:end] for name, lists in encoding.items()},
            "n_choices": len(row["choices"]),
            "label": row["label"],
        }
        for start, end, row in spans
    ]


ROWS = Rows(_encode, types={"n_choices": pa.int32()})
