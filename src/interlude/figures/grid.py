"""Tables as coloured cells with numbers: what the heatmap and the correlations share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from interlude.figures.labels import (
    LARGEST_TYPE,
    POINTS_PER_INCH,
    SMALLEST_TYPE,
    fitted,
    joined,
    text_width,
    wrapped,
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
_BAR_AND_ROLES = 1.1  # colour bar, its label, and the names of the roles
_BETWEEN = 0.1  # groups of rows
_EDGES = 0.25
_SHORTEST = 0.95  # of all cells: their colour bar has a label
_MARGIN = 0.05
_SMALL = 6.0  # points, of what stands below
_LINE = 1.4 * _SMALL / POINTS_PER_INCH
_ROLE_TYPE = 7.0  # points
_LEAST = 1.0  # points of a difference, to which a scale of them reaches at least
_TICKS = 6
_EXTEND = {  # (values below the scale, above it)
    (False, False): "neither",
    (True, False): "min",
    (False, True): "max",
    (True, True): "both",
}
MOST_NUMBERS = 20  # columns, in which numbers fit
_HALFWAY = 0.179  # luminance at which black and white have the same contrast
_HATCHED = "#00000060"


@dataclass(frozen=True)
class Cells:
    """A grid of cells; all frames have the same shape, index and columns.

    values: what the colour shows (NaN: no colour). texts: what is printed; a cell without a text
    and a value is grey, and nothing else is. bold: printed in bold. signs: printed instead of the
    texts where these do not fit. untested: hatched.
    """

    values: pd.DataFrame
    texts: pd.DataFrame
    bold: pd.DataFrame
    signs: pd.DataFrame = field(default_factory=pd.DataFrame)
    untested: pd.DataFrame = field(default_factory=pd.DataFrame)

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
    groups: int = 1
    below: Sequence[str] = ()

    @property
    def width(self) -> float:
        wanted = self._beside + len(self.columns) * _CELL_WIDTH
        return ONE_COLUMN if wanted <= ONE_COLUMN else TWO_COLUMNS

    @property
    def height(self) -> float:
        wanted = max(len(self.rows) * _CELL_HEIGHT, _SHORTEST) + self._around
        return min(wanted, PAGE_HEIGHT)

    @property
    def cell_height(self) -> float:
        return (self.height - self._around) / len(self.rows)

    @property
    def lines(self) -> list[str]:
        """What stands below the cells."""
        return joined(self.below, self.width - 2 * _MARGIN, _SMALL)

    @property
    def _around(self) -> float:
        head = self._widest_column if self.upright else 0.1
        return head + _BETWEEN * (self.groups - 1) + _LINE * len(self.lines) + _EDGES

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
    below: Sequence[str] = (),
) -> tuple[Figure, dict[Axes, Cells]]:
    """Return a figure with one labelled axes per role, above one another.

    groups: role -> cells, with task names as index and names as columns. title: name -> label;
    column_title: of columns, where it differs. below: lines of text below the cells.
    """
    rows = {
        role: [fitted(title(name), _LONGEST_ROW_NAME) for name in cells.values.index]
        for role, cells in groups.items()
    }
    names = next(iter(groups.values())).values.columns
    columns = [fitted((column_title or title)(name), _LONGEST_COLUMN_NAME) for name in names]
    every = [label for labels in rows.values() for label in labels]
    page = _Page(every, columns, len(rows), below)
    figure = new_figure(page.width, page.height)
    heights = [len(labels) for labels in rows.values()]
    stacked = figure.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
    upright = page.cell_height * min(heights) > text_width("probing tasks", _ROLE_TYPE)
    for axes, (role, labels) in zip(stacked, rows.items(), strict=True):
        _name_rows(axes, labels, f"{role} tasks", upright)
        axes.set_xticks([])
    _name_columns(stacked[0], page)
    figure.align_ylabels()
    if page.lines:
        figure.supxlabel("\n".join(page.lines), size=_SMALL, linespacing=1.4)
    return figure, dict(zip(stacked, groups.values(), strict=True))


def draw_cells(
    parts: dict[Axes, Cells], colours: Colormap, scale: Normalize, between: str = "white"
) -> None:
    """Colour the cells of each axes and print their texts, in one size, as large as they fit.

    between: colour of the lines between cells.
    """
    for axes, cells in parts.items():
        _colour(axes, cells, colours, scale, between)
    figure = next(iter(parts)).get_figure(root=True)
    assert figure is not None  # noqa: S101  for the type checker
    fix_layout(figure)
    size = min(_type_size(axes, cells) for axes, cells in parts.items())
    for axes, cells in parts.items():
        if size >= SMALLEST_TYPE:
            _print(axes, cells, cells.texts, size, colours, scale)
        elif not cells.signs.empty:
            _print(axes, cells, cells.signs, _SMALL, colours, scale)


def ink(value: float, colours: Colormap, scale: Normalize) -> str:
    """Return black or white, whichever has more contrast to the colour of a value (WCAG 2.1)."""
    if math.isnan(value):
        return MUTED
    linear = ((np.array(colours(scale(value))[:3]) + 0.055) / 1.055) ** 2.4
    return "black" if linear @ (0.2126, 0.7152, 0.0722) > _HALFWAY else "white"


def difference_scale(delta: pd.Series[float], noise: pd.Series[bool], most: float) -> Normalize:
    """Return a scale of differences in points, as far below 0 as above it.

    It ends at the largest difference, or at `most`, whose colour larger ones have. noise: which are
    inside the noise: the largest of these takes no more than half of the scale.
    """
    largest = min(most, delta.abs().max())
    limit = float(np.nanmax([_LEAST, largest, 2 * delta[noise].abs().max()]))
    return Normalize(-limit, limit, clip=True)


def add_bar(parts: dict[Axes, Cells], scale: Normalize, colours: Colormap, label: str) -> Colorbar:
    """Return a colour bar beside the cells; pointed where values lie beyond the scale."""
    values = np.concatenate(
        [cells.values.to_numpy(dtype=float).ravel() for cells in parts.values()]
    )
    figure = next(iter(parts)).get_figure(root=True)
    assert figure is not None  # noqa: S101  for the type checker
    low, high = np.array([scale.vmin, scale.vmax], dtype=float)
    ends = (bool((values < low).any()), bool((values > high).any()))
    bar = figure.colorbar(
        ScalarMappable(scale, colours),
        ax=list(parts),
        fraction=0.05,
        aspect=20,
        pad=0.01,
        extend=_EXTEND[ends],
        ticks=MaxNLocator(_TICKS),
    )
    bar.set_label("\n".join(wrapped(label, _SHORTEST, _ROLE_TYPE)))
    bar.outline.set_visible(False)
    return bar


def _name_rows(axes: Axes, labels: list[str], role: str, upright: bool) -> None:
    """Name rows and their role, this in two lines across where the rows are not high enough."""
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    if upright:
        axes.set_ylabel(role)
    else:
        axes.set_ylabel(role.replace(" ", "\n"), rotation=0, ha="right", va="center")


def _name_columns(axes: Axes, page: _Page) -> None:
    """Write the names on top; where even the smallest type does not fit, rows alone are named."""
    size = min(LARGEST_TYPE, page.cell_width * POINTS_PER_INCH) if page.upright else LARGEST_TYPE
    axes.xaxis.tick_top()
    if size >= SMALLEST_TYPE:
        axes.set_xticks(np.arange(len(page.columns)) + 0.5, page.columns)
    axes.tick_params(axis="x", labelsize=size, labelrotation=90 if page.upright else 0)


def _colour(axes: Axes, cells: Cells, colours: Colormap, scale: Normalize, between: str) -> None:
    rows, columns = cells.shape
    shown = np.ma.masked_invalid(cells.values.to_numpy(dtype=float))
    axes.pcolormesh(shown, cmap=colours, norm=scale, edgecolors=between, linewidth=0.4)
    axes.set_facecolor(UNKNOWN)
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    _cover(axes, cells.values.isna() & (cells.texts != ""), facecolor="white")
    _cover(axes, cells.untested, facecolor="none", edgecolor=_HATCHED, hatch="////")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _cover(axes: Axes, which: pd.DataFrame, **look: Any) -> None:
    """Lay a rectangle over some cells."""
    for row, column in np.argwhere(which.to_numpy(dtype=bool)):
        axes.add_patch(Rectangle((column, row), 1, 1, linewidth=0, **look))


def _print(
    axes: Axes,
    cells: Cells,
    texts: pd.DataFrame,
    size: float,
    colours: Colormap,
    scale: Normalize,
) -> None:
    rows, columns = cells.shape
    values = cells.values.to_numpy(dtype=float)
    for row, column in itertools.product(range(rows), range(columns)):
        axes.text(
            column + 0.5,
            row + 0.5,
            str(texts.iat[row, column]),
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
