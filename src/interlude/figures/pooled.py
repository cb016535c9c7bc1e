"""The hierarchical estimate of each source: its mean effect, and the effect on a new task."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.labels import fitted
from interlude.figures.style import (
    COLOURS,
    MUTED,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_ROW_HEIGHT = 0.15
_MEAN, _NEW = COLOURS[0], COLOURS[5]


def draw_pooled(pooled: pd.DataFrame, options: Options) -> Figure:
    """Draw a panel per role, a row per source, best first; on the right the chance to gain.

    pooled: the table of `pooled.pooled_tables`.
    """
    if pooled["mu"].isna().all():
        return message_figure(
            "No estimate over tasks to show:\nno source has two tasks with a known spread."
        )
    roles = in_order(pooled["role"])
    rows = pooled["source"].nunique()
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 1.1 + _ROW_HEIGHT * rows))
    panels = figure.subplots(1, len(roles), squeeze=False)[0]
    percent = f"{100 * (1 - options.statistics.alpha):g} %"
    for axes, role in zip(panels, roles, strict=True):
        _draw_sources(axes, pooled[pooled["role"] == role], options, percent)
        axes.set_title(f"{role} tasks")
    figure.supxlabel("difference from baseline, points", size=7)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def _draw_sources(axes: Axes, pooled: pd.DataFrame, options: Options, percent: str) -> None:
    rows = np.arange(len(pooled))
    axes.axvline(0, color=MUTED, linewidth=0.5)
    new = f"effect on a new task, {percent}"
    axes.hlines(rows, pooled["new_low"], pooled["new_high"], color=_NEW, linewidth=0.8, label=new)
    mean = f"mean effect, {percent}"
    axes.hlines(rows, pooled["ci_low"], pooled["ci_high"], color=_MEAN, linewidth=2, label=mean)
    axes.plot(pooled["mu"], rows, "o", color=_MEAN, markersize=4)
    axes.plot(pooled["delta"], rows, "D", color=COLOURS[3], markersize=2.5, label="plain mean")
    sources = zip(pooled["source"], pooled["arm"], strict=True)
    axes.set_yticks(rows, [fitted(options.source_title(*each), 1.2) for each in sources])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    _name_chances(axes, pooled["p_new"])


def _name_chances(axes: Axes, chances: pd.Series[float]) -> None:
    """Write the probability that a new task gains at the right end of each row."""
    beside = axes.secondary_yaxis("right")
    beside.set_yticks(np.arange(len(chances)), ["?" if pd.isna(p) else f"{p:.2f}" for p in chances])
    beside.tick_params(length=0)
    beside.spines["right"].set_visible(False)
    # Beyond the axes, where no title of theirs is in its way.
    axes.text(1.02, 1.02, "P(new > 0)", transform=axes.transAxes, size=6.5, va="bottom")
