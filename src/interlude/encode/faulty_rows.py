"""Rows that a form cannot take: refused, by their name, before they break a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from interlude.forms.examples import NO_CHOICE

SHOWN = 60  # characters of a row's text in a message
TEXTS = ("text", "text_a", "question", "tokens")  # normalised columns by which to know a row
# Normalised columns that hold a span of characters, and the column of their text.
SPANS = {
    ("start", "end"): "passage",
    ("span1_start", "span1_end"): "text",
    ("span2_start", "span2_end"): "text",
    ("span_start", "span_end"): "text",
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
    names = examples.column_names
    faults = [fault for name in names for fault in _faults(name, examples, n_labels, vocabulary)]
    if {"tags", "positions"} <= set(names):
        faults.extend(_unequal(examples["tags"], examples["positions"]))
    if faults:
        raise FaultyRowError(*min(faults))


def text_of(row: Row) -> str:
    """Return the text by which a person knows a normalised row."""
    found = next((row[column] for column in TEXTS if row.get(column)), "")
    return found if isinstance(found, str) else " ".join(map(str, found))


def _faults(name: str, examples: pa.Table, n_labels: int, vocabulary: int) -> Iterator[Fault]:
    """Yield the first fault of a column of encoded examples."""
    levels = _levels(examples[name])
    rows = np.arange(examples.num_rows)
    values = levels[-1]
    if values.null_count:
        at = pc.index(pc.is_null(values), True).as_py()
        yield int(_spread(rows, levels)[at]), f"key {name}: found nothing."
        return
    limits = _limits(name, examples, n_labels, vocabulary)
    if limits is None:
        return
    low, most = limits
    if isinstance(most, np.ndarray):
        most = _spread(most, levels)
    numbers = values.to_numpy()
    outside = ~((numbers >= low) & (numbers <= most))
    if outside.any():
        at = int(outside.argmax())
        highest = np.broadcast_to(most, numbers.shape)[at]
        found = f"found {numbers[at]}. Allowed: {low} to {highest}."
        yield int(_spread(rows, levels)[at]), f"key {name}: {found}"


def _limits(
    name: str, examples: pa.Table, n_labels: int, vocabulary: int
) -> tuple[float, Any] | None:
    """Return the least and the greatest value of a column, the latter maybe for each row."""
    if name == "input_ids":
        return 0, vocabulary - 1
    if name in ("label", "right") and "n_choices" in examples.column_names:
        return NO_CHOICE * (name == "right"), examples["n_choices"].to_numpy() - 1
    if name in ("label", "labels", "tags"):
        return 0, n_labels - 1
    if name in SEQUENCE_PLACES:
        return -1, examples["length"].to_numpy() - 1  # -1: cut off
    if name == "value":
        return np.finfo(np.float64).min, np.finfo(np.float64).max
    return None


def _levels(column: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    """Return a column, the values within its lists, and so on down to those that are no lists.

    Ends above where a list is missing.
    """
    levels = [column]
    while pa.types.is_list(levels[-1].type) and not levels[-1].null_count:
        levels.append(pc.list_flatten(levels[-1]))
    return levels


def _spread(of_rows: np.ndarray, levels: list[pa.ChunkedArray]) -> np.ndarray:
    """Return for each value of the last level what its row has."""
    for lists in levels[:-1]:
        of_rows = of_rows[pc.list_parent_indices(lists).to_numpy()]
    return of_rows


def _unequal(tags: pa.ChunkedArray, places: pa.ChunkedArray) -> Iterator[Fault]:
    counts = [pc.list_value_length(each).to_numpy() for each in (tags, places)]
    different = counts[0] != counts[1]
    if different.any():
        row = int(different.argmax())
        yield row, f"key tags: found {counts[0][row]} for {counts[1][row]} words."
