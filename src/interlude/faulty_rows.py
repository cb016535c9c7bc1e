"""Rows that a form cannot take: found before they break a batch, and named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SHOWN = 60  # characters of a row's text in a message
TEXTS = ("text", "text_a", "question", "tokens")  # normalised columns that tell what a row is
# Normalised columns that hold a span of characters, and the column of their text.
SPANS = {
    ("start", "end"): "passage",
    ("span1_start", "span1_end"): "text",
    ("span2_start", "span2_end"): "text",
    ("start_a", "end_a"): "text_a",
    ("start_b", "end_b"): "text_b",
}
SEQUENCE_PLACES = ("answer_start", "answer_end", "span_starts", "span_ends")

Row = dict[str, Any]
Fault = tuple[int, str]


class FaultyRowError(Exception):
    """A row that its form cannot take: its place in its table, from 0, and what is wrong."""

    def __init__(self, place: int, what: str) -> None:
        self.place = place
        self.what = what
        super().__init__(f"row {place + 1}: {what}")

    def described(self, path: Path, text: str) -> str:
        """Return the words for a row with this text in a split's file."""
        shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
        return f"{path}: split {path.stem!r}, row {self.place + 1} ({shown!r}): {self.what}"


def check_spans(rows: Sequence[Row]) -> None:
    """Raise FaultyRowError for the first normalised row with a span that is not within its text."""
    for place, row in enumerate(rows):
        for (first, last), column in SPANS.items():
            if row.get(first) is None:  # a form without it, or no second span
                continue
            start, end, size = row[first], row[last], len(row[column])
            if not 0 <= start <= end <= size:
                found = f"key {first}, {last}: found {start} to {end}"
                raise FaultyRowError(place, f"{found}. Allowed: within 0 to {size}.")


def check_examples(examples: pa.Table, n_labels: int, vocabulary: int) -> None:
    """Raise FaultyRowError for the first encoded example that does not fit the task or the model.

    n_labels: of the task; vocabulary: tokens that the model knows.
    """
    offset = 0
    for batch in examples.to_batches():
        faults = list(_faults(batch, n_labels, vocabulary))
        if faults:
            place, what = min(faults)
            raise FaultyRowError(offset + place, what)
        offset += batch.num_rows


def text_of(row: Row) -> str:
    """Return the text by which a person knows a normalised row."""
    found = next((row[column] for column in TEXTS if row.get(column)), "")
    return found if isinstance(found, str) else " ".join(map(str, found))


def _faults(batch: pa.RecordBatch, n_labels: int, vocabulary: int) -> Iterator[Fault]:
    """Yield the first fault of each column of encoded examples."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    flat: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, column in columns.items():
        rows, values = _flat(column)
        empty = pc.is_null(values).to_numpy(zero_copy_only=False)
        if empty.any():
            yield int(rows[empty.argmax()]), f"key {name}: found nothing."
        elif not pa.types.is_string(values.type):
            flat[name] = rows, values.to_numpy(zero_copy_only=False)
    for name, (places, numbers) in flat.items():
        limits = _limits(name, places, flat, n_labels, vocabulary)
        if limits is None:
            continue
        low, most = limits
        outside = ~((numbers >= low) & (numbers <= most))
        if outside.any():
            at = int(outside.argmax())
            highest = np.broadcast_to(most, numbers.shape)[at]
            yield int(places[at]), f"key {name}: found {numbers[at]}. Allowed: {low} to {highest}."
    if {"tags", "positions"} <= columns.keys():
        yield from _unequal(columns["tags"], columns["positions"])


def _limits(
    name: str, rows: np.ndarray, flat: dict[str, Any], n_labels: int, vocabulary: int
) -> tuple[float, Any] | None:
    """Return the least and the greatest value of a column, the latter maybe for each value."""
    if name == "input_ids":
        return 0, vocabulary - 1
    if name == "label" and "n_choices" in flat:
        return 0, flat["n_choices"][1][rows] - 1
    if name in ("label", "labels", "tags"):
        return 0, n_labels - 1
    if name in SEQUENCE_PLACES:
        return -1, flat["length"][1][rows] - 1  # -1: cut off
    if name == "value":
        return np.finfo(np.float64).min, np.finfo(np.float64).max
    return None


def _flat(column: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Return the values within the lists of a column, or its own, and the row of each."""
    rows = np.arange(len(column))
    while pa.types.is_list(column.type) and not column.null_count:
        rows = rows[pc.list_parent_indices(column).to_numpy()]
        column = pc.list_flatten(column)
    return rows, column


def _unequal(tags: pa.Array, places: pa.Array) -> Iterator[Fault]:
    counts = [pc.list_value_length(each).to_numpy(zero_copy_only=False) for each in (tags, places)]
    different = counts[0] != counts[1]
    if different.any():
        row = int(different.argmax())
        yield row, f"key tags: found {counts[0][row]} for {counts[1][row]} words."
