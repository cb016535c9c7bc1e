"""The trials of each start: their scores, sorted and in boxes, and what trying more gains."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.analysis.stability import trials_of
from interlude.figures.boxes import BOX_HEIGHT, QUARTILES, draw_boxes, patches_of
from interlude.figures.small import legend_above, small_panels
from interlude.figures.style import (
    COLOURS,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)
from interlude.words import NO_SOURCE

_PANEL_HEIGHT = 1.5
_NOTHING = "No trials to show:\nno run has a score."


def draw_trial_boxes(runs: pd.DataFrame, options: Options, margin: float) -> Figure:
    """Draw the scores of each start's trials as boxes, a row per task.

    runs, margin: as of `stability.trials_of`.
    """
    trials = _named(trials_of(runs, margin), options)
    if trials.empty:
        return message_figure(_NOTHING)
    starts, tasks = in_order(trials["start"]), in_order(trials["panel"])
    boxes = {
        start: [
            trials.loc[(trials["start"] == start) & (trials["panel"] == task), "score"].to_numpy()
            for task in tasks
        ]
        for start in starts
    }
    height = 0.9 + BOX_HEIGHT * len(tasks) * max(1.0, len(starts) / 2)
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, height))
    axes = figure.add_subplot()
    draw_boxes(axes, tasks, boxes)
    axes.set_xlabel(f"score, points ({QUARTILES})")
    legend_above(figure, patches_of(starts), starts)
    return figure


def draw_sorted_trials(runs: pd.DataFrame, options: Options, margin: float) -> Figure:
    """Draw the scores of each start's trials from the lowest to the highest, a panel per task.

    Crosses are failed trials. runs, margin: as of `stability.trials_of`.
    """

    def draw(axes: Axes, own: pd.DataFrame, colour: str, label: str) -> None:
        ranked = own.sort_values("score")
        places = range(1, len(ranked) + 1)
        failed = ranked["failed"].to_numpy(dtype=bool)
        axes.plot(places, ranked["score"], color=colour, marker="o", markersize=1.5, label=label)
        axes.plot(
            [place for place, bad in zip(places, failed, strict=True) if bad],
            ranked["score"][failed],
            "x",
            color=colour,
            markersize=4,
        )

    trials = _named(trials_of(runs, margin), options)
    return _panels(trials, draw, "trials, from the worst    × failed", "score, points")


def draw_expected_best(best: pd.DataFrame, options: Options) -> Figure:
    """Draw the expected best score over the number of trials, a panel per task, a line per start.

    best: the table of `stability.expected_best`. Shades are its intervals.
    """

    def draw(axes: Axes, own: pd.DataFrame, colour: str, label: str) -> None:
        axes.plot(own["trials"], own["expected_best"], color=colour, label=label)
        axes.fill_between(own["trials"], own["ci_low"], own["ci_high"], color=colour, alpha=0.12)

    return _panels(_named(best, options), draw, "trials", "expected best score, points")


def _named(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a table with the names of its starts and tasks as they are shown.

    An arm is named where several have a start of the same name, a role where there are several.
    """
    several = table[["arm", "source"]].drop_duplicates()["source"].duplicated().any()
    starts = [
        f"{options.source_title(source, arm)} ({arm})"
        if several and source != NO_SOURCE
        else options.source_title(source, arm)
        for arm, source in zip(table["arm"], table["source"], strict=True)
    ]
    role = " (" + table["role"] + ")" if table["role"].nunique() > 1 else ""
    return table.assign(start=starts, panel=table["task"].map(options.title) + role)


def _panels(
    table: pd.DataFrame, draw: Callable[[Axes, pd.DataFrame, str, str], None], x: str, y: str
) -> Figure:
    """Return a figure with a panel per task, in which each start is drawn in its colour."""
    if table.empty:
        return message_figure(_NOTHING)
    tasks, starts = in_order(table["panel"]), in_order(table["start"])
    figure, panels = small_panels(tasks, _PANEL_HEIGHT, len(starts))
    for axes, task in zip(panels, tasks, strict=True):
        for number, start in enumerate(starts):
            own = table[(table["panel"] == task) & (table["start"] == start)]
            draw(axes, own, COLOURS[number % len(COLOURS)], start)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    legend_above(figure, *panels[0].get_legend_handles_labels())
    figure.supxlabel(x, size=7)
    figure.supylabel(y, size=7)
    return figure
