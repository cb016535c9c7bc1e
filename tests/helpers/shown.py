"""What a figure shows, read back from what was drawn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

_NO_MARKER = ("None", "none", "", " ", None, "|", "_")  # the last two end the bars of errors


def names(axis: Axis) -> dict[float, str]:
    """The labels of an axis by their place in its data."""
    labels = [label.get_text() for label in axis.get_majorticklabels()]
    return dict(zip(map(float, axis.get_majorticklocs()), labels, strict=True))


def down(axes: Axes) -> list[str]:
    """The names of rows from top to bottom, as they stand on the page."""
    rows = names(axes.yaxis)
    return [rows[y] for y in sorted(rows, key=lambda y: -axes.transData.transform((0, y))[1])]


def across(axes: Axes) -> list[str]:
    """The names of columns from left to right, as they stand on the page."""
    columns = names(axes.xaxis)
    return [columns[x] for x in sorted(columns, key=lambda x: axes.transData.transform((x, 0))[0])]


def marks(axes: Axes) -> pd.DataFrame:
    """A row per mark: x, y, colour, marker."""
    rows = [
        (float(x), float(y), to_hex(line.get_color()), line.get_marker())
        for line in axes.lines
        if line.get_marker() not in _NO_MARKER
        for x, y in zip(*line.get_data(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["x", "y", "colour", "marker"])


def lines(axes: Axes) -> list[Line2D]:
    """Lines that have points and no marks."""
    plain = [line for line in axes.lines if line.get_marker() in _NO_MARKER[:5]]
    return [line for line in plain if len(np.atleast_1d(line.get_xdata()))]


def segments(axes: Axes) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Both ends of each segment of collections of lines, in data."""
    return [
        tuple(tuple(map(float, end)) for end in segment)
        for collection in axes.collections
        if isinstance(collection, LineCollection)
        for segment in collection.get_segments()
        if len(segment)  # none where an end is missing
    ]


def bars(axes: Axes, beside: Axes | None = None) -> pd.DataFrame:
    """A row per bar: name of its row, left, width, colour. beside: the axes that name the rows."""
    rows = names((beside or axes).yaxis)
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    told = [
        (
            rows[box.get_y() + box.get_height() / 2],
            box.get_x(),
            box.get_width(),
            box.get_facecolor(),
        )
        for box in boxes
    ]
    table = pd.DataFrame(told, columns=["row", "left", "width", "colour"])
    return table.assign(colour=table["colour"].map(to_hex))


def look(line: Line2D) -> tuple[str, str, str]:
    """Colour, marker and style of a line."""
    return to_hex(line.get_color()), str(line.get_marker()), str(line.get_linestyle())


def legend(figure: Figure) -> dict[str, tuple[str, str, str]]:
    """Entries of the legend of lines: name -> look of its mark, or of its line without one."""
    (box,) = figure.legends
    every = box.findobj(Line2D)
    marked = [line for line in every if line.get_marker() not in _NO_MARKER]
    shown = map(look, marked or every)
    return dict(zip([text.get_text() for text in box.get_texts()], shown, strict=True))


def legend_of_bars(figure: Figure) -> dict[str, str]:
    """Entries of the legend of bars: name -> colour."""
    (box,) = figure.legends
    colours = [to_hex(handle.get_facecolor()) for handle in box.legend_handles]
    return dict(zip([text.get_text() for text in box.get_texts()], colours, strict=True))


def cells(axes: Axes, columns: Axes) -> pd.DataFrame:
    """A row per cell of a grid: row, column; colour, hatched; text, bold, ink (colour of the text).

    columns: the axes that name the columns. A cell without a colour shows what covers it, or else
    what is behind it.
    """
    (mesh,) = (part for part in axes.collections if isinstance(part, QuadMesh))
    corners = mesh.get_coordinates()
    middles = (corners[:-1, :-1] + corners[1:, 1:]) / 2
    texts = {text.get_position(): text for text in axes.texts}
    rows, heads = names(axes.yaxis), names(columns.xaxis)
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    hatched = {box.get_xy() for box in boxes if box.get_hatch()}
    covers = {box.get_xy(): box.get_facecolor() for box in boxes if not box.get_hatch()}
    told = []
    for place, value in np.ndenumerate(mesh.get_array().filled(np.nan)):
        x, y = map(float, middles[place])
        text, corner = texts.pop((x, y)), (x - 0.5, y - 0.5)
        behind = covers.get(corner, axes.get_facecolor())
        told.append(
            {
                "row": rows[y],
                "column": heads[x],
                "colour": to_hex(behind if np.isnan(value) else mesh.to_rgba(value)),
                "hatched": corner in hatched,
                "text": text.get_text(),
                "bold": text.get_weight() == "bold",
                "ink": to_hex(text.get_color()),
            }
        )
    assert not texts, f"texts outside the cells: {list(texts)}"
    return pd.DataFrame(told)


def bar_of_colours(axes: Axes) -> dict[float, str]:
    """The colours of a colour bar by the value at which they stand."""
    (mesh,) = (part for part in axes.collections if isinstance(part, QuadMesh))
    heights = mesh.get_coordinates()[:, 0, 1]
    middles = (heights[:-1] + heights[1:]) / 2
    shown = mesh.to_rgba(mesh.get_array()).reshape(len(middles), 4)
    return {float(at): to_hex(colour) for at, colour in zip(middles, shown, strict=True)}


def limits(axes: Axes) -> Bbox:
    """The part of the data that can be seen."""
    return Bbox.from_extents(*np.transpose([sorted(axes.get_xlim()), sorted(axes.get_ylim())]).flat)


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (W3C, WCAG 2.1); below 3 text can not be read well."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def same(shown: Iterable[tuple[object, ...]], told: Iterable[tuple[object, ...]]) -> None:
    """Assert that two collections hold the same rows, in any order, numbers up to rounding."""
    rounded = [
        sorted(tuple(round(v, 6) if isinstance(v, float) else v for v in row) for row in rows)
        for rows in (shown, told)
    ]
    assert rounded[0] == rounded[1]
