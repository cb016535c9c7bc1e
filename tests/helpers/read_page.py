"""What a page shows, as a browser reads it: its sections and their tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import pandas as pd


@dataclass
class Section:
    """A heading with the paragraphs and the rows below it; the first row names the columns."""

    title: str
    texts: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    @property
    def table(self) -> pd.DataFrame:
        """The table, all of it text."""
        return pd.DataFrame(self.rows[1:], columns=self.rows[0], dtype="str")


def tables(page: str) -> dict[str, Section]:
    """The tables of a page by their caption; the first one of each."""
    reader = _Reader()
    reader.feed(page)
    found: dict[str, Section] = {}
    for caption, table in reader.tables:
        found.setdefault(caption, table)
    return found


def sections(page: str) -> dict[str, Section]:
    """The sections of a page by their title."""
    reader = _Reader()
    reader.feed(page)
    return {section.title: section for section in reader.sections}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sections: list[Section] = []
        self.tables: list[tuple[str, Section]] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2"):
            self.sections.append(Section(""))
        if tag == "tr":
            self._add_row()
        self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2"):
            self.sections[-1].title = self._text
        if tag == "p" and self.sections:
            self.sections[-1].texts.append(self._text)
        if tag == "caption":
            self.tables.append((self._text, Section(self._text)))
        if tag in ("th", "td"):
            self.sections[-1].rows[-1].append(self._text)

    def _add_row(self) -> None:
        """Add a row to the section and, where a table has a caption, to the table: the same."""
        row: list[str] = []
        self.sections[-1].rows.append(row)
        if self.tables:
            self.tables[-1][1].rows.append(row)
