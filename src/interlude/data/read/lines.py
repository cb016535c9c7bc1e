"""Rows of a text file, which know their lines: a message names a row as an editor shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


class LinedRows(list[Row]):
    """Rows, and in `lines` the number of the line, from 1, where each begins in its file."""

    def __init__(self, numbered: Iterable[tuple[int, Row]]) -> None:
        pairs = list(numbered)
        super().__init__(row for _, row in pairs)
        self.lines = [line for line, _ in pairs]


def place_of(rows: list[Row], index: int) -> str:
    """Return where a row is, in words: its line where that is known, else its number, from 1."""
    return f"line {rows.lines[index]}" if isinstance(rows, LinedRows) else f"row {index + 1}"
