"""Learning curves: score against optimiser steps, a panel per task."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.figures.colours import BASELINE, FEW, Dashes, colours_of, levels_of, lines_of
from interlude.figures.small import legend_above, marker, small_panels
from interlude.figures.style import OTHERS, message_figure
from interlude.words import NO_SOURCE, ROLES

_PANEL_HEIGHT = 1.25
_DASHES: tuple[Dashes, ...] = ("-", "--")
_THIN = 0.5  # points, of means that have no colour of their own


def draw_curves(runs: pd.DataFrame, options: Options) -> Figure:
    """Draw score in points over steps: thin lines are restarts, thick ones their mean.

    Of many sources, those that have no colour of their own (see `colours.apart`) show their mean.
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
    colours = _colours(points)
    dashes = _dashes(colours)
    titles = [f"{options.title(task)} ({role})" for role, task in panels]
    figure, every = small_panels(titles, _PANEL_HEIGHT, len(colours))
    for axes, (role, task) in zip(every, panels, strict=True):
        of_panel = points[(points["role"] == role) & (points["task"] == task)]
        _draw_panel(axes, of_panel, colours, dashes)
    _add_legend(figure, colours, dashes, options)
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


def _colours(points: pd.DataFrame) -> dict[str, str]:
    """Return a colour per source; with dashes each stands for two."""
    levels = levels_of(points, "source", "score", ["role", "task"])
    return colours_of(levels, [NO_SOURCE], few=len(_DASHES) * FEW)


def _dashes(colours: dict[str, str]) -> dict[str, Dashes]:
    """Return a line style per source: the first round of colours is solid."""
    own = [name for name, colour in colours.items() if colour not in (BASELINE, OTHERS)]
    return {name: _DASHES[number // FEW] for number, name in enumerate(own)}


def _draw_panel(
    axes: Axes, points: pd.DataFrame, colours: dict[str, str], dashes: dict[str, Dashes]
) -> None:
    for source, colour in reversed(colours.items()):  # what has a colour lies above the rest
        of_source = points[points["source"] == source]
        grid = of_source["point"].notna().any()
        if colour != OTHERS or grid:
            for _, run in of_source.groupby(trial(of_source)):
                look: dict[str, Any] = {"linewidth": 0.4, "alpha": 0.5, "marker": marker(run)}
                axes.plot(run["step"], run["score"], color=colour, markersize=2, **look)
        if not grid:
            mean = of_source.groupby("step")["score"].mean()
            width = _THIN if colour == OTHERS else None
            dash = dashes.get(source)
            look = {"linestyle": dash, "linewidth": width, "marker": marker(mean)}
            axes.plot(mean.index, mean, color=colour, **look)


def _add_legend(
    figure: Figure, colours: dict[str, str], dashes: dict[str, Dashes], options: Options
) -> None:
    lines, names = lines_of(colours, dashes)
    titles = {NO_SOURCE: "none (baseline)"}
    legend_above(figure, lines, [titles.get(name) or options.source_title(name) for name in names])
