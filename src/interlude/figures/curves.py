"""Learning curves: score against optimiser steps, a panel per task."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.figures.labels import fitted, text_width
from interlude.figures.style import COLOURS, PAGE_HEIGHT, TWO_COLUMNS, message_figure, new_figure
from interlude.words import NO_SOURCE, ROLES

_FEW_PANELS = 21  # three across fill a page
_TITLE_SIZE = 6.5
_PANEL_HEIGHT = 1.25
# Where panels fill a page, each has little height, and most of it belongs to its curves.
_TIGHT: dict[str, Any] = {"labelsize": 5, "length": 1.5, "pad": 1.2}
_DASHES = ("-", "--", ":", "-.")


def draw_curves(runs: pd.DataFrame, options: Options) -> Figure:
    """Draw score in points over steps: thin lines are restarts, thick ones their mean.

    With a grid, thin lines are trials; there is no mean, since points may differ in their steps.

    runs: of `results.read_runs`; a run without a curve, or a curve without scores, is left out.
    """
    points = curve_points(runs)
    if points.empty:
        return message_figure("No learning curves to show: no run recorded one.")
    panels = [
        (role, task)
        for role in ROLES
        for task in in_order(points.loc[points["role"] == role, "task"])
    ]
    across = 3 if len(panels) <= _FEW_PANELS else 4
    down = math.ceil(len(panels) / across)
    height = min(PAGE_HEIGHT, _PANEL_HEIGHT * down + 0.5)
    full_page = height == PAGE_HEIGHT
    figure = new_figure(TWO_COLUMNS, height)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    looks = _looks(in_order(points["source"]))
    for axes, (role, task) in zip(grid, panels, strict=False):
        of_panel = points[(points["role"] == role) & (points["task"] == task)]
        _draw_panel(axes, of_panel, looks)
        title = _title(options.title(task), role, across)
        axes.set_title(title, size=_TITLE_SIZE, pad=2 if full_page else None)
        axes.locator_params(axis="y", nbins=1 if full_page else 3)
        axes.tick_params(**_TIGHT if full_page else {})
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    _add_legend(figure, looks, options)
    figure.supxlabel("optimiser steps", size=7)
    figure.supylabel("score, points", size=7)
    return figure


def curve_points(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluations of all runs: role, source, task, restart, point of a grid, step, score
    (points).
    """
    names = ["role", "source", "task", "restart", "point"]
    rows = [
        (*(getattr(run, name) for name in names), point["step"], POINTS * point["score"])
        for run in runs[runs["curve"].notna()].itertuples()
        for point in json.loads(str(run.curve))
        if point["score"] is not None
    ]
    return pd.DataFrame(rows, columns=[*names, "step", "score"])


def _looks(sources: list[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a line style per source; the baseline is black."""
    *colours, black = COLOURS
    others = [name for name in sources if name != NO_SOURCE]
    looks = {
        name: (colours[number % len(colours)], _DASHES[number // len(colours) % len(_DASHES)])
        for number, name in enumerate(others)
    }
    return {NO_SOURCE: (black, "-"), **looks}


def _draw_panel(axes: Axes, points: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    for source, of_source in points.groupby("source", sort=False):
        colour, dashes = looks[str(source)]
        for _, run in of_source.groupby(trial(of_source)):
            axes.plot(run["step"], run["score"], color=colour, linewidth=0.4, alpha=0.5)
        if of_source["point"].notna().any():
            continue
        mean = of_source.groupby("step")["score"].mean()
        axes.plot(mean.index, mean, color=colour, linestyle=dashes)
    axes.locator_params(axis="x", nbins=3)


def _add_legend(figure: Figure, looks: dict[str, tuple[str, str]], options: Options) -> None:
    axes = figure.axes[0]
    lines = [
        axes.plot([], [], color=colour, linestyle=dashes)[0] for colour, dashes in looks.values()
    ]
    names = [
        "none (baseline)" if name == NO_SOURCE else fitted(options.source_title(name), 1.2)
        for name in looks
    ]
    fitting = max(1, int(TWO_COLUMNS / (max(map(text_width, names)) + 0.4)))
    figure.legend(lines, names, loc="outside upper center", ncols=fitting, handlelength=1.6)


def _title(task: str, role: str, across: int) -> str:
    """Return a panel's title; a long name is cut so that the role still shows."""
    room = TWO_COLUMNS / across - 0.4 - text_width(f" ({role})", _TITLE_SIZE)
    return f"{fitted(task, room, _TITLE_SIZE)} ({role})"
