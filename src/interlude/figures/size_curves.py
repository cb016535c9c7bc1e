"""Curves of transfer against the size of the intermediate data."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.labels import fitted
from interlude.figures.panels import mark_sizes
from interlude.figures.style import (
    COLOURS,
    MARKERS,
    MUTED,
    ONE_COLUMN,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_HEIGHT = 2.4
# Curves stand this factor apart on the axis of sizes, so that their intervals do not cover another.
_APART = 1.03


def draw_size_curves(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw mean transfer over intermediate training examples: a panel per role, a curve per source.

    curves: the table of `size_curves.size_curves`. Bars are its intervals.
    """
    measured = curves.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No size curves to show:\nno source has a size and a transfer.")
    roles, sources = in_order(measured["role"]), in_order(measured["source"])
    figure = new_figure(ONE_COLUMN if len(roles) == 1 else TWO_COLUMNS, _HEIGHT)
    panels = figure.subplots(1, len(roles), squeeze=False, sharex=True)[0]
    for axes, role in zip(panels, roles, strict=True):
        _draw_panel(axes, measured[measured["role"] == role], sources, options)
        axes.set_title(f"{role} tasks")
    mark_sizes(panels[0], measured["train_examples"])
    figure.supxlabel("training examples of the intermediate task", size=7)
    panels[0].set_ylabel("mean difference, points")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4 if len(roles) > 1 else 2)
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
