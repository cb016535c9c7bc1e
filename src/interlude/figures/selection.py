"""Methods of selection: what they choose, what they say beside the truth, and what they cost."""

from __future__ import annotations

import math

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.colours import FEW
from interlude.figures.grid import Cells, add_bar, arranged, draw_cells
from interlude.figures.labels import fitted
from interlude.figures.small import legend_above
from interlude.figures.style import (
    COLOURS,
    MUTED,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_NOTHING = "Nothing to show:\nno method of selection is judged."
_ROW = 0.16  # inches
_PANEL = 1.5
_PANELS = 4  # beside one another
_COSTS = 4  # are marked on their axis, beside 0
_SEQUENTIAL = "Blues_r"


def draw_selection_costs(costs: pd.DataFrame) -> Figure:
    """Draw Regret@3 and cost of each method beside one another, the least regret on top.

    costs: the table of `selection_choices.cost_table`. Bars of the left panel are bootstrap
    intervals. A hollow mark needs the scores of other targets from all sources. The right panel is
    in per cent of the tokens of the grid; a method without a mark there was not measured.
    """
    known = costs.dropna(subset="regret").sort_values("regret", ascending=False, kind="stable")
    if known.empty:
        return message_figure(_NOTHING)
    rows = np.arange(len(known))
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 0.8 + _ROW * len(known)))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    left.hlines(rows, known["ci_low"], known["ci_high"], color=COLOURS[0], linewidth=0.8)
    for axes, column in ((left, "regret"), (right, "tokens_share")):
        for row, (_, method) in zip(rows, known.iterrows(), strict=True):
            of_others = "other targets" in method["needs"]
            fill = "white" if of_others else COLOURS[0]
            axes.plot(method[column], row, "o", color=COLOURS[0], markerfacecolor=fill)
    left.set_yticks(rows, [fitted(name, 1.6) for name in known["method"]])
    left.set_ylim(-0.6, len(rows) - 0.4)
    left.set_xlim(left=0)
    left.set_xlabel("Regret@3 (best of top k), per cent")
    _scale_costs(right, known["tokens_share"])
    return figure


def _scale_costs(axes: Axes, shares: pd.Series[float]) -> None:
    """Let the axis of costs begin at 0, and be logarithmic above the least that costs anything."""
    least, most = shares[shares > 0].min(), shares.max()
    if most > 0:
        axes.set_xscale("symlog", linthresh=least)
        lowest, highest = np.log10([least, most])
        within = math.ceil(lowest) <= highest
        first = math.ceil(lowest) if within else math.floor(lowest)
        decades = 10.0 ** np.arange(first, highest + 1)
        axes.set_xticks([0, *decades[:: math.ceil(len(decades) / _COSTS)]])
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(-0.2 * least if most > 0 else -0.05, 2 * most if most > 0 else 1)
    axes.set_xlabel("tokens, per cent of the grid's")


def draw_selection_ranks(choices: pd.DataFrame, options: Options) -> Figure:
    """Draw the rank of the source that each method puts first: targets as rows, methods as columns.

    choices: the table of `selection_choices.choices_table`; of its first truth. 1 is the best
    source; the colour is by the rank's place among the candidates.
    """
    if choices.empty:
        return message_figure(_NOTHING)
    own = choices[choices["truth"] == choices["truth"].iloc[0]]
    place = (own["rank"] - 1) / (own["candidates"] - 1)
    targets, methods = in_order(own["target"]), in_order(own["method"])
    placed = own.assign(place=place, text=own["rank"].map("{:.3g}".format))
    values, texts = (
        placed.pivot(index="target", columns="method", values=of).reindex(targets, columns=methods)
        for of in ("place", "text")
    )
    cells = Cells(values, texts.fillna(""), texts.isin(["1"]))
    below = ["grey: no choice"] if texts.isna().any(axis=None) else []
    figure, parts = arranged({"target": cells}, options.title, below=below)
    scale, colours = Normalize(0, 1), matplotlib.colormaps[_SEQUENTIAL]
    bar = add_bar(parts, scale, colours, "")
    bar.set_ticks([0, 1], labels=["best", "worst"])
    bar.ax.invert_yaxis()
    draw_cells(parts, colours, scale)
    return figure


def draw_selection_scatter(scores: pd.DataFrame, options: Options) -> Figure:
    """Draw the transfer of each source over what a method says of it: a panel per method.

    scores: the table of `selection.with_truth`. On the axis of a method its lowest number on a
    target is 0 and its highest 1; a line is fitted to each target; more targets than colours share
    one colour. Transfer is in points, where that is not known the score less the mean of
    all sources.
    """
    known = _comparable(scores)
    if known.empty:
        return message_figure(_NOTHING)
    methods, targets = in_order(known["method"]), in_order(known["target"])
    across = min(_PANELS, len(methods))
    rows = math.ceil(len(methods) / across)
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 0.7 + _PANEL * rows))
    panels = figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, method in zip(panels, methods, strict=False):
        _draw_method(axes, known[known["method"] == method], targets)
        axes.set_title(fitted(method, 1.3))
    for axes in panels[len(methods) :]:
        axes.set_axis_off()
    figure.supylabel("transfer, points", size=7)
    under = "what the method says, from its lowest to its highest number"
    if len(targets) > FEW:
        figure.supxlabel(f"{under}    a line per target", size=7)
        return figure
    figure.supxlabel(under, size=7)
    marks = [Line2D([], [], color=colour, marker="o", ls="") for colour in COLOURS[: len(targets)]]
    legend_above(figure, marks, list(map(options.title, targets)))
    return figure


def _comparable(scores: pd.DataFrame) -> pd.DataFrame:
    """Return sources with both numbers, of methods whose numbers differ: x from 0 to 1, and y."""
    known = scores.dropna(subset=["value", "score"])
    known = known[known["source"] != "none"]
    groups = known.groupby(["method", "target"], sort=False)
    low, high = groups["value"].transform("min"), groups["value"].transform("max")
    centred = known["score"] - groups["score"].transform("mean")
    placed = known.assign(x=(known["value"] - low) / (high - low), y=known["delta"].fillna(centred))
    return placed[high > low]


def _draw_method(axes: Axes, own: pd.DataFrame, targets: list[str]) -> None:
    axes.axhline(0, color=MUTED, linewidth=0.5)
    for number, target in enumerate(targets):
        part = own[own["target"] == target]
        colour = COLOURS[number if len(targets) <= FEW else 0]
        alpha = 0.8 if len(targets) <= FEW else 0.4
        axes.plot(part["x"], part["y"], "o", color=colour, markersize=2.5, alpha=alpha)
        if len(part) > 1:
            slope, start = np.polyfit(part["x"], part["y"], 1)
            axes.plot([0, 1], [start, start + slope], color=colour, linewidth=0.5)
