"""What stands in the report: items of figures and tables, in sections, from a study's files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment

from interlude.analysis import catalog
from interlude.analysis.catalog import Shown as Entry
from interlude.analysis.options import Options
from interlude.report.tables import Shown, read_table, reader_table
from interlude.words import Contrast

TABLES = {**catalog.TABLES, **catalog.COMPARISON_TABLES, **catalog.ARTEFACTS}
FIGURES = {**catalog.FIGURES, **catalog.COMPARISON_FIGURES}
WITHOUT, ALL = "without", "all"  # what becomes of degenerate runs
_TOLD = {WITHOUT: "without degenerate runs", ALL: "all runs"}
_SIZE = re.compile(r'<svg[^>]* width="([\d.]+)pt" height="([\d.]+)pt"')
_PIXELS = 96 / 72  # a point
_IN_AN_ADDRESS = " !$()*+,-./:;=?@[]^_`{|}~"
_OF_FIGURE = "Figure: "  # begins the part of a caption on its figure


@dataclass(frozen=True)
class Part:
    """A table or a figure; runs: WITHOUT or ALL where there is one of either, else empty.

    file: its address from the page, of the CSV or the PDF.
    """

    title: str
    runs: str
    file: str

    @property
    def caption(self) -> str:
        """The title, and which runs count."""
        return f"{self.title}, {_TOLD[self.runs]}" if self.runs else self.title


@dataclass(frozen=True)
class Figure(Part):
    """A figure as an address that holds it, with its size in pixels and what it says in words."""

    address: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Table(Part):
    """A table as the page shows it."""

    shown: Shown


@dataclass(frozen=True)
class Item:
    """What the catalog calls by one name: a figure, a table, or both; id: for links."""

    id: str
    title: str
    caption: str
    figures: list[Figure]
    tables: list[Table]


@dataclass(frozen=True)
class Files:
    """Where a study's files lie, and the names of the tables and figures that it has.

    page: the report. tables, figures: folders. of_study: tables beside them, by name.
    """

    page: Path
    tables: Path
    figures: Path
    table_names: Iterable[str]
    figure_names: Iterable[str]
    of_study: Mapping[str, Path]

    def table(self, name: str, suffix: str) -> Path:
        """Return the CSV of a table."""
        return self.of_study.get(name, self.tables / f"{name}{suffix}.csv")

    def address(self, file: Path) -> str:
        """Return the address of a file from the page."""
        return quote(file.relative_to(self.page.parent).as_posix())


def sections(files: Files, captions: Environment, options: Options) -> list[tuple[str, list[Item]]]:
    """Return the sections of the report that have something to show, with their items."""
    there = {*files.table_names, *files.figure_names}
    items_of = {
        section: [item(name, files, captions, options) for name in names if name in there]
        for section, names in catalog.SECTIONS.items()
    }
    return [(section, items) for section, items in items_of.items() if items]


def item(name: str, files: Files, captions: Environment, options: Options) -> Item:
    """Return what the catalog calls by a name, in each variant that the study has of it."""
    caption = captions.get_template(f"{name}.txt").render(options=options).strip()
    figures = [*_figures(name, files, caption, options)] if name in files.figure_names else []
    tables = [*_tables(name, files, options)] if name in files.table_names else []
    entry = TABLES[name] if tables else FIGURES[name]
    return Item(name, entry.title, caption, figures, tables)


def figure(svg: Path, title: str, runs: str, caption: str, files: Files) -> Figure:
    """Return a figure of a file; its PDF lies beside it."""
    text = svg.read_text(encoding="utf8")
    size = _SIZE.search(text)
    width, height = (round(float(side) * _PIXELS) for side in size.groups()) if size else (600, 400)
    address = f"data:image/svg+xml,{quote(text, safe=_IN_AN_ADDRESS)}"
    alt = f"{title}. {caption.rpartition(_OF_FIGURE)[2]}"
    return Figure(title, runs, files.address(svg.with_suffix(".pdf")), address, width, height, alt)


def _figures(name: str, files: Files, caption: str, options: Options) -> Iterator[Figure]:
    entry = FIGURES[name]
    for contrast, part in catalog.contrasted(entry, options.contrasts).items():
        title = f"{entry.title}{_compared(entry, contrast, options)}"
        for suffix, runs in _variants(entry, options):
            svg = files.figures / f"{name}{part}{suffix}.svg"
            yield figure(svg, title, runs, caption, files)


def _tables(name: str, files: Files, options: Options) -> Iterator[Table]:
    entry = TABLES[name]
    for suffix, runs in _variants(entry, options):
        path = files.table(name, suffix)
        shown = reader_table(name, read_table(path), options)
        yield Table(entry.title, runs, files.address(path), shown)


def _variants(entry: Entry, options: Options) -> Iterator[tuple[str, str]]:
    """Yield the suffix of each file, and which runs count in it: empty for a lone one."""
    kinds = catalog.variants(options.degenerate.exclude)
    for suffix in catalog.suffixes(entry, options.degenerate.exclude):
        yield suffix, (WITHOUT if kinds[suffix] else ALL) if entry.twice else ""


def _compared(entry: Entry, contrast: Contrast | None, options: Options) -> str:
    several = contrast is not None and entry.each and len(options.contrasts) > 1
    return f": {contrast.title}" if contrast and several else ""
