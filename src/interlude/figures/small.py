"""Small panels beside and below one another, one per task, under a common legend."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.figures.labels import fitted, text_width
from interlude.figures.style import ONE_COLUMN, PAGE_HEIGHT, TWO_COLUMNS, new_figure

_FEW_PANELS = 21  # three across fill a page
_TITLE_SIZE = 6.5
_BETWEEN = 0.3  # inches, from a title to the next
_HANDLE = 0.4  # inches, with the space around it
_LINE = 0.13  # inches
# Where panels fill a page, each has little height, and most of it belongs to its curves.
_TIGHT: dict[str, Any] = {"labelsize": 5, "length": 1.5, "pad": 1.2}


def small_panels(titles: Sequence[str], height: float, entries: int) -> tuple[Figure, list[Axes]]:
    """Return a figure and a panel for each title.

    height: of a panel, in inches, where the page has room. entries: how many the legend has.
    """
    across = min(len(titles), 3) if len(titles) <= _FEW_PANELS else 4
    down = math.ceil(len(titles) / across)
    wanted = height * down + 0.4 + _LINE * math.ceil(entries / 4)
    width = TWO_COLUMNS if across > 1 else ONE_COLUMN
    figure = new_figure(width, min(PAGE_HEIGHT, wanted))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    full = wanted > PAGE_HEIGHT
    for axes, title in zip(panels, titles, strict=False):
        shown = _fitted(title, width / across - _BETWEEN)
        axes.set_title(shown, size=_TITLE_SIZE, pad=2 if full else None)
        axes.locator_params(axis="y", nbins=1 if full else 3)
        axes.locator_params(axis="x", nbins=3)
        axes.tick_params(**_TIGHT if full else {})
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    return figure, list(panels[: len(titles)])


def _fitted(title: str, width: float) -> str:
    """Return a title that is no wider; a short ending in brackets, as of a role, stays whole."""
    _, bracket, role = title.rpartition(" (")
    ending = bracket + role if bracket and role.endswith(")") else ""
    taken = text_width(ending, _TITLE_SIZE)
    if taken > 0.6 * width:
        return fitted(title, width, _TITLE_SIZE)
    return fitted(title.removesuffix(ending), width - taken, _TITLE_SIZE) + ending


def marker(across: Sized) -> str:
    """Return the marker of a curve: one point is no line to be seen."""
    return "o" if len(across) == 1 else "None"


def legend_above(figure: Figure, handles: Sequence[Artist], names: Sequence[str]) -> None:
    """Write a legend above the panels, in as many columns as its names leave room for."""
    shown = [fitted(name, 1.2) for name in names]
    fitting = max(1, int(figure.get_figwidth() / (max(map(text_width, shown)) + _HANDLE)))
    figure.legend(handles, shown, loc="outside upper center", ncols=fitting, handlelength=1.6)
