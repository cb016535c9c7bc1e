"""Curves of transfer against the size of the intermediate data, and of the task's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.colours import colours_of, levels_of, lines_of
from interlude.figures.panels import mark_sizes
from interlude.figures.small import legend_above, small_panels
from interlude.figures.style import (
    MARKERS,
    MUTED,
    ONE_COLUMN,
    OTHERS,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_HEIGHT = 2.4
_PANEL_HEIGHT = 1.5
# Curves stand this factor apart on the axis of sizes, so that their intervals do not cover another.
APART = 1.03


def draw_size_curves(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw mean transfer over intermediate training examples: a panel per role, a curve per source.

    curves: the table of `size_curves.size_curves`. Bars are its intervals; of many sources, those
    that have no colour of their own (see `colours.apart`) have none. The axis on the right
    has the mean score, where all points are compared with the same.
    """
    measured = curves.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No size curves to show:\nno source has a size and a transfer.")
    roles, colours = in_order(measured["role"]), _colours(measured, ["role"])
    figure = new_figure(ONE_COLUMN if len(roles) == 1 else TWO_COLUMNS, _HEIGHT)
    panels = figure.subplots(1, len(roles), squeeze=False, sharex=True)[0]
    for axes, role in zip(panels, roles, strict=True):
        of_role = measured[measured["role"] == role]
        _draw_panel(axes, of_role, colours)
        axes.set_title(f"{role} tasks")
        _add_scores(axes, of_role["baseline"])
    mark_sizes(panels[0], measured["train_examples"])
    figure.supxlabel("training examples of the intermediate task", size=7)
    panels[0].set_ylabel("mean difference, points")
    _add_legend(figure, colours, options)
    return figure


def draw_target_sizes(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw transfer over the task's own training examples: a panel per task, a curve per source.

    curves: the table of `target_sizes.target_sizes`. Bars are its intervals.
    """
    measured = curves.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No size curves to show:\nno task has a size and a transfer.")
    colours = _colours(measured, ["role", "task"])
    keys = measured[["role", "task"]].drop_duplicates().itertuples(index=False, name=None)
    titles = {(role, task): f"{options.title(task)} ({role})" for role, task in keys}
    figure, panels = small_panels([*titles.values()], _PANEL_HEIGHT, len(colours))
    for axes, (role, task) in zip(panels, titles, strict=True):
        points = measured[(measured["role"] == role) & (measured["task"] == task)]
        _draw_panel(axes, points, colours)
        mark_sizes(axes, points["train_examples"])
    figure.supxlabel("training examples of the task", size=7)
    figure.supylabel("mean difference, points", size=7)
    _add_legend(figure, colours, options)
    return figure


def _colours(curves: pd.DataFrame, panels: list[str]) -> dict[str, str]:
    """Return a colour per source; of many, for those at both ends."""
    return colours_of(levels_of(curves, "source", "delta", panels))


def _draw_panel(axes: Axes, curves: pd.DataFrame, colours: dict[str, str]) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.5)
    own = [name for name, colour in colours.items() if colour != OTHERS]
    for source in [name for name in colours if name not in own]:
        points = curves[curves["source"] == source]
        axes.plot(points["train_examples"], points["delta"], color=OTHERS, linewidth=0.5)
    for number, source in enumerate(own):
        points = curves[curves["source"] == source]
        axes.errorbar(
            points["train_examples"] * APART ** (number - (len(own) - 1) / 2),
            points["delta"],
            yerr=[points["delta"] - points["ci_low"], points["ci_high"] - points["delta"]],
            color=colours[source],
            marker=MARKERS[number],
            elinewidth=0.6,
            capsize=1.5,
        )
    axes.set_xscale("log")


def _add_scores(axes: Axes, baseline: pd.Series[float]) -> None:
    """Add an axis of scores, which are differences from the baseline where all have the same."""
    level = float(baseline.iloc[0])
    if baseline.notna().all() and (baseline - level).abs().max() < 1e-9:
        there_and_back = (lambda y: np.add(y, level), lambda y: np.subtract(y, level))
        scores = axes.secondary_yaxis("right", functions=there_and_back)
        scores.set_ylabel("mean score, points")


def _add_legend(figure: Figure, colours: dict[str, str], options: Options) -> None:
    lines, names = lines_of(colours)
    for line, marker in zip(lines, MARKERS, strict=False):
        line.set_marker("" if line.get_color() == OTHERS else marker)
    legend_above(figure, lines, [options.source_title(name) for name in names])
