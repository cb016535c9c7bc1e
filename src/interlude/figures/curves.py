"""Learning curves: score against optimiser steps, a panel per task."""

from __future__ import annotations

import json

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.figures.small import legend_above, small_panels
from interlude.figures.style import COLOURS, message_figure
from interlude.words import NO_SOURCE, ROLES

_PANEL_HEIGHT = 1.25
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
    looks = _looks(in_order(points["source"]))
    titles = [f"{options.title(task)} ({role})" for role, task in panels]
    figure, every = small_panels(titles, _PANEL_HEIGHT, len(looks))
    for axes, (role, task) in zip(every, panels, strict=True):
        of_panel = points[(points["role"] == role) & (points["task"] == task)]
        _draw_panel(axes, of_panel, looks)
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


def _add_legend(figure: Figure, looks: dict[str, tuple[str, str]], options: Options) -> None:
    axes = figure.axes[0]
    lines = [
        axes.plot([], [], color=colour, linestyle=dashes)[0] for colour, dashes in looks.values()
    ]
    names = [
        "none (baseline)" if name == NO_SOURCE else options.source_title(name) for name in looks
    ]
    legend_above(figure, lines, names)
