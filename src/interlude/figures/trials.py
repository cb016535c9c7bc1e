"""The trials of each start: their scores, sorted and in boxes, and what trying more gains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.analysis.stability import MEAN, trials_of
from interlude.figures.boxes import BOX_HEIGHT, QUARTILES, draw_boxes, patches_of
from interlude.figures.colours import BASELINE, colours_of, levels_of, lines_of, others_of
from interlude.figures.small import legend_above, marker, small_panels
from interlude.figures.style import (
    OTHERS,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)
from interlude.words import NO_SOURCE, ROLES

_PANEL_HEIGHT = 1.5
_THIN = 0.5  # points, of what has no colour of its own
_NOTHING = "No trials to show:\nno run has a score."


def draw_trial_boxes(runs: pd.DataFrame, options: Options, margin: float) -> Figure:
    """Draw the scores of each start's trials as boxes, a row per task.

    Of many sources, those that have no colour of their own (see `colours.apart`) have one box
    together. runs, margin: as of `stability.trials_of`.
    """
    trials = _named(trials_of(runs, margin), options)
    if trials.empty:
        return message_figure(_NOTHING)
    colours, tasks = _colours(trials, "score"), in_order(trials["panel"])
    together = {start: others_of(colours) for start, of in colours.items() if of == OTHERS}
    groups = dict(zip(map(together.get, colours, colours), colours.values(), strict=True))
    group = trials["start"].replace(together)
    boxes = {
        name: [
            trials.loc[(group == name) & (trials["panel"] == task), "score"].to_numpy()
            for task in tasks
        ]
        for name in groups
    }
    height = 0.9 + BOX_HEIGHT * len(tasks) * max(1.0, len(groups) / 2)
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, height))
    axes = figure.add_subplot()
    # A black box would hide its median.
    faces = ["white" if colour == BASELINE else colour for colour in groups.values()]
    draw_boxes(axes, tasks, boxes, faces)
    axes.set_xlabel(f"score, points ({QUARTILES})")
    legend_above(figure, patches_of([*groups], faces), [*groups])
    return figure


def draw_sorted_trials(runs: pd.DataFrame, options: Options, margin: float) -> Figure:
    """Draw the scores of each start's trials from the lowest to the highest, a panel per task.

    Crosses are failed trials. runs, margin: as of `stability.trials_of`.
    """

    def draw(axes: Axes, own: pd.DataFrame, colour: str) -> None:
        ranked = own.sort_values("score")
        places = range(1, len(ranked) + 1)
        failed = ranked["failed"].to_numpy(dtype=bool)
        width = _THIN if colour == OTHERS else None
        axes.plot(
            places, ranked["score"], color=colour, marker="o", markersize=1.5, linewidth=width
        )
        axes.plot(
            [place for place, bad in zip(places, failed, strict=True) if bad],
            ranked["score"][failed],
            "x",
            color=colour,
            markersize=4,
        )

    trials = _named(trials_of(runs, margin), options)
    under = "trials, from the worst    × failed"
    return _panels(trials, "score", draw, under, "score, points")


def draw_expected_best(best: pd.DataFrame, options: Options) -> Figure:
    """Draw the expected best score over the number of trials, a panel per task, a line per start.

    best: the table of `stability.expected_best`. Shades are its intervals, of starts that have a
    colour of their own.
    """

    def draw(axes: Axes, own: pd.DataFrame, colour: str) -> None:
        across, low, high = own["trials"], own["ci_low"], own["ci_high"]
        if colour == OTHERS:
            look: dict[str, Any] = {"linewidth": _THIN, "marker": marker(across)}
            axes.plot(across, own["expected_best"], color=colour, **look)
            return
        axes.plot(across, own["expected_best"], color=colour, marker=marker(across))
        axes.fill_between(across, low, high, color=colour, alpha=0.12)

    # The mean over the tasks of a role comes behind them.
    order = {"role": best["role"].map(ROLES.index), "mean": best["task"] == MEAN}
    ordered = best.assign(**order).sort_values([*order], kind="stable").assign(role=best["role"])
    figure = _panels(
        _named(ordered, options), "expected_best", draw, "trials", "expected best score, points"
    )
    for axes in figure.axes:
        axes.set_xlim(0.9, best["trials"].max() + 0.1)
    return figure


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


def _colours(table: pd.DataFrame, value: str) -> dict[str, str]:
    """Return a colour per start; of many, for those at both ends of what they reach."""
    alone = in_order(table.loc[table["source"] == NO_SOURCE, "start"])
    return colours_of(levels_of(table, "start", value, ["panel"]), alone)


def _panels(
    table: pd.DataFrame,
    value: str,
    draw: Callable[[Axes, pd.DataFrame, str], None],
    x: str,
    y: str,
) -> Figure:
    """Return a figure with a panel per task, in which each start is drawn in its colour.

    value: the column by which starts are ranked, where they are too many for colours.
    """
    if table.empty:
        return message_figure(_NOTHING)
    tasks, colours = in_order(table["panel"]), _colours(table, value)
    handles, names = lines_of(colours)
    figure, panels = small_panels(tasks, _PANEL_HEIGHT, len(names))
    for axes, task in zip(panels, tasks, strict=True):
        for start, colour in reversed(colours.items()):  # what has a colour lies above the rest
            draw(axes, table[(table["panel"] == task) & (table["start"] == start)], colour)
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    legend_above(figure, handles, names)
    figure.supxlabel(x, size=7)
    figure.supylabel(y, size=7)
    return figure
