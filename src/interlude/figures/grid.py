"""Tables as coloured cells with numbers: what the heatmap and the correlations share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from interlude.figures.labels import (
    LARGEST_TYPE,
    POINTS_PER_INCH,
    SMALLEST_TYPE,
    fitted,
    text_width,
)
from interlude.figures.style import (
    MUTED,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    UNKNOWN,
    fix_layout,
    new_figure,
)

# In inches.
_CELL_HEIGHT = 0.155
_CELL_WIDTH = 0.4
_LONGEST_ROW_NAME = 1.8
_LONGEST_COLUMN_NAME = 1.3
_BAR_AND_ROLES = 1.0  # colour bar, its label, and the names of the roles
_LEGEND = 0.75
_SHORTEST = 1.95  # few rows have as many lines below them


@dataclass(frozen=True)
class Cells:
    """A grid of cells; all frames have the same shape, index and columns.

    values: what the colour shows (NaN: no colour). texts: what is printed. bold: printed in bold.
    """

    values: pd.DataFrame
    texts: pd.DataFrame
    bold: pd.DataFrame

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        rows, columns = self.values.shape
        return rows, columns


@dataclass(frozen=True)
class _Page:
    """Sizes of a figure in inches: as wide as one column of the page if the grid fits, else two."""

    rows: list[str]
    columns: list[str]

    @property
    def width(self) -> float:
        wanted = self._beside + len(self.columns) * _CELL_WIDTH
        return ONE_COLUMN if wanted <= ONE_COLUMN else TWO_COLUMNS

    @property
    def height(self) -> float:
        head = self._widest_column if self.upright else 0.1
        wanted = len(self.rows) * _CELL_HEIGHT + head + _LEGEND
        return min(max(wanted, _SHORTEST), PAGE_HEIGHT)

    @property
    def cell_width(self) -> float:
        return (self.width - self._beside) / len(self.columns)

    @property
    def upright(self) -> bool:
        """Whether column names do not fit side by side."""
        return self._widest_column > 0.85 * self.cell_width

    @property
    def _beside(self) -> float:
        return max(map(text_width, self.rows)) + _BAR_AND_ROLES

    @property
    def _widest_column(self) -> float:
        return max(map(text_width, self.columns))


def arranged(
    groups: dict[str, Cells],
    title: Callable[[str], str],
    column_title: Callable[[str], str] | None = None,
) -> tuple[Figure, dict[Axes, Cells]]:
    """Return a figure with one labelled axes per role, above one another.

    groups: role -> cells, with task names as index and names as columns. title: name -> label;
    column_title: of columns, where it is given.
    """
    rows = {
        role: [fitted(title(name), _LONGEST_ROW_NAME) for name in cells.values.index]
        for role, cells in groups.items()
    }
    names = next(iter(groups.values())).values.columns
    columns = [fitted((column_title or title)(name), _LONGEST_COLUMN_NAME) for name in names]
    page = _Page([label for labels in rows.values() for label in labels], columns)
    figure = new_figure(page.width, page.height)
    heights = [len(labels) for labels in rows.values()]
    stacked = figure.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (role, labels) in zip(stacked, rows.items(), strict=True):
        _name_rows(axes, labels, f"{role} tasks")
        axes.set_xticks([])
    _name_columns(stacked[0], page)
    figure.align_ylabels()
    return figure, dict(zip(stacked, groups.values(), strict=True))


def draw_cells(parts: dict[Axes, Cells], colours: Colormap, scale: Normalize) -> None:
    """Colour the cells of each axes and print their texts, in one size, as large as they fit."""
    for axes, cells in parts.items():
        _colour(axes, cells, colours, scale)
    figure = next(iter(parts)).get_figure(root=True)
    assert figure is not None  # noqa: S101  for the type checker
    fix_layout(figure)
    size = min(_type_size(axes, cells) for axes, cells in parts.items())
    if size >= SMALLEST_TYPE:
        for axes, cells in parts.items():
            _print(axes, cells, size, colours, scale)


def ink(value: float, colours: Colormap, scale: Normalize) -> str:
    """Return the colour in which one can write on the cell of a value."""
    if math.isnan(value):
        return MUTED
    red, green, blue, _ = colours(scale(value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def _name_rows(axes: Axes, labels: list[str], role: str) -> None:
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.set_ylabel(role)


def _name_columns(axes: Axes, page: _Page) -> None:
    """Write the names on top; where even the smallest type does not fit, the rows must tell."""
    size = min(LARGEST_TYPE, page.cell_width * POINTS_PER_INCH) if page.upright else LARGEST_TYPE
    axes.xaxis.tick_top()
    if size >= SMALLEST_TYPE:
        axes.set_xticks(np.arange(len(page.columns)) + 0.5, page.columns)
    axes.tick_params(axis="x", labelsize=size, labelrotation=90 if page.upright else 0)


def _colour(axes: Axes, cells: Cells, colours: Colormap, scale: Normalize) -> None:
    rows, columns = cells.shape
    shown = np.ma.masked_invalid(cells.values.to_numpy(dtype=float))
    axes.pcolormesh(shown, cmap=colours, norm=scale, edgecolors="white", linewidth=0.4)
    axes.set_facecolor(UNKNOWN)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _print(axes: Axes, cells: Cells, size: float, colours: Colormap, scale: Normalize) -> None:
    rows, columns = cells.shape
    values = cells.values.to_numpy(dtype=float)
    for row, column in itertools.product(range(rows), range(columns)):
        axes.text(
            column + 0.5,
            row + 0.5,
            str(cells.texts.iat[row, column]),
            size=size,
            weight="bold" if cells.bold.iat[row, column] else "normal",
            color=ink(values[row, column], colours, scale),
            ha="center",
            va="center_baseline",
            in_layout=False,
        )


def _type_size(axes: Axes, cells: Cells) -> float:
    """Return the largest type size, in points, in which every text fits into its cell."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101  for the type checker
    box = axes.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
    rows, columns = cells.shape
    width, height = box.width / columns, box.height / rows
    widest = max(text_width(text, 1.0) for text in set(cells.texts.to_numpy().ravel()))
    across = 0.88 * width / widest if widest else math.inf
    return min(LARGEST_TYPE, across, 0.78 * height * POINTS_PER_INCH)
