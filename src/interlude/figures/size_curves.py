"""Curves of transfer against the size of the intermediate data, and of the task's own."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.labels import fitted, text_width
from interlude.figures.panels import mark_sizes
from interlude.figures.style import (
    COLOURS,
    MARKERS,
    MUTED,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_HEIGHT = 2.4
_ACROSS = 3  # panels of tasks beside one another
_PANEL_HEIGHT = 1.5
# Curves stand this factor apart on the axis of sizes, so that their intervals do not cover another.
_APART = 1.03


def draw_size_curves(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw mean transfer over intermediate training examples: a panel per role, a curve per source.

    curves: the table of `size_curves.size_curves`. Bars are its intervals. The axis on the right
    has the mean score, where all points are held against the same.
    """
    measured = curves.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No size curves to show:\nno source has a size and a transfer.")
    roles, sources = in_order(measured["role"]), in_order(measured["source"])
    figure = new_figure(ONE_COLUMN if len(roles) == 1 else TWO_COLUMNS, _HEIGHT)
    panels = figure.subplots(1, len(roles), squeeze=False, sharex=True)[0]
    for axes, role in zip(panels, roles, strict=True):
        of_role = measured[measured["role"] == role]
        _draw_panel(axes, of_role, sources, options)
        axes.set_title(f"{role} tasks")
        _add_scores(axes, of_role["baseline"])
    mark_sizes(panels[0], measured["train_examples"])
    figure.supxlabel("training examples of the intermediate task", size=7)
    panels[0].set_ylabel("mean difference, points")
    _add_legend(figure, panels[0], 4 if len(roles) > 1 else 2)
    return figure


def draw_target_sizes(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw transfer over the task's own training examples: a panel per task, a curve per source.

    curves: the table of `target_sizes.target_sizes`. Bars are its intervals.
    """
    measured = curves.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No size curves to show:\nno task has a size and a transfer.")
    sources = in_order(measured["source"])
    panels = [*measured.groupby(["role", "task"], sort=False)]
    across = min(_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    height = min(PAGE_HEIGHT, _PANEL_HEIGHT * down + 0.6)
    figure = new_figure(ONE_COLUMN if across == 1 else TWO_COLUMNS, height)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, ((role, task), points) in zip(grid, panels, strict=False):
        _draw_panel(axes, points, sources, options)
        named = f" ({role})"
        room = figure.get_figwidth() / across - 0.5 - text_width(named)
        axes.set_title(fitted(options.title(str(task)), room) + named)
        mark_sizes(axes, points["train_examples"])
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    figure.supxlabel("training examples of the task", size=7)
    figure.supylabel("mean difference, points", size=7)
    _add_legend(figure, max(grid, key=lambda axes: len(axes.containers)), 2 * across)
    return figure


def _draw_panel(axes: Axes, curves: pd.DataFrame, sources: list[str], options: Options) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.5)
    for number, source in enumerate(sources):
        points = curves[curves["source"] == source]
        axes.errorbar(
            points["train_examples"] * _APART ** (number - (len(sources) - 1) / 2),
            points["delta"],
            yerr=[points["delta"] - points["ci_low"], points["ci_high"] - points["delta"]],
            color=COLOURS[number % (len(COLOURS) - 1)],
            marker=MARKERS[number % len(MARKERS)],
            elinewidth=0.6,
            capsize=1.5,
            label=fitted(options.source_title(source), 1.2),
        )
    axes.set_xscale("log")


def _add_scores(axes: Axes, baseline: pd.Series[float]) -> None:
    """Add an axis of scores, which are differences from the baseline where all have the same."""
    level = float(baseline.iloc[0])
    if baseline.notna().all() and (baseline - level).abs().max() < 1e-9:
        there_and_back = (lambda y: np.add(y, level), lambda y: np.subtract(y, level))
        scores = axes.secondary_yaxis("right", functions=there_and_back)
        scores.set_ylabel("mean score, points")


def _add_legend(figure: Figure, axes: Axes, across: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=across)
