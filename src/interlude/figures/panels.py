"""Small figures of one panel: averages, detectable differences, robustness, size, comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from interlude.analysis.averages import GIVEN_SUCCESS
from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.labels import fitted
from interlude.figures.style import (
    COLOURS,
    MARKERS,
    MUTED,
    OF_ROLE,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    fix_layout,
    message_figure,
    new_figure,
)

_ROW_HEIGHT = 0.15
_BOUNDS = ("fixed_low", "fixed_high", "random_low", "random_high")
_BELOW = 0.3  # rows from the means of a source to its intervals
# Differences are shown on a logarithmic scale; smaller ones stand at its end. In points.
_SMALLEST = 0.03
_WIDE = 5  # times the least; what spans less has a linear scale
# What is drawn of each cell, and how: the difference, and what its test could detect.
_DETECTABLE: dict[str, dict[str, Any]] = {
    "delta": {"marker": "|", "color": MUTED, "linestyle": "", "alpha": 0.5, "markersize": 4},
    "detectable": {"marker": "o", "color": COLOURS[0], "linestyle": "", "markersize": 3},
    "detectable_holm": {"marker": "D", "color": COLOURS[3], "linestyle": "", "markersize": 2.5},
}
# Suffix of columns of the table of robustness -> how they count.
_COUNTS = {
    "_uncorrected": "sources' means,\nuncorrected",
    "_means": "sources' means,\nHolm's correction",
    "": "restarts as encoders,\nthe paper's rule (Holm)",
}
_PAIRS = {"target_target": "target with target tasks", "target_probing": "target with probing"}
# Where the name of a point may stand, best first.
_PLACES: tuple[dict[str, Any], ...] = (
    {"xytext": (0, 3), "ha": "center", "va": "bottom"},
    {"xytext": (0, -3), "ha": "center", "va": "top"},
    {"xytext": (4, 0), "ha": "left", "va": "center"},
    {"xytext": (-4, 0), "ha": "right", "va": "center"},
    {"xytext": (3, 2), "ha": "left", "va": "bottom"},
    {"xytext": (-3, 2), "ha": "right", "va": "bottom"},
    {"xytext": (3, -2), "ha": "left", "va": "top"},
    {"xytext": (-3, -2), "ha": "right", "va": "top"},
)
_MANY = 12  # points, whose names need the width of the page


def draw_detectable(transfer: pd.DataFrame, options: Options) -> Figure:
    """Draw the smallest differences that tests of each task could detect: the least on top.

    transfer: the transfer table. A panel per role; a dot per cell for each level that the marks
    use: of a cell by itself, and of the first of its family. Strokes are the measured differences,
    without their sign: what lies left of its dot is inside the noise of the restarts.
    """
    measured = transfer.dropna(subset=["delta", "detectable"])
    if measured.empty:
        return message_figure("No detectable difference to show:\nno cell has runs that differ.")
    roles = in_order(measured["role"])
    most = measured.groupby("role")["task"].nunique().max()
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 1.1 + _ROW_HEIGHT * most))
    panels = figure.subplots(1, len(roles), sharex=True, squeeze=False)[0]
    for axes, role in zip(panels, roles, strict=True):
        _draw_differences(axes, measured[measured["role"] == role], options)
    every = measured[[*_DETECTABLE]].abs().clip(lower=_SMALLEST).to_numpy().ravel()
    if every.max() > _WIDE * every.min():
        panels[0].set_xscale("log")
        mark_sizes(panels[0], pd.Series(every), "{x:g}")
    figure.supxlabel(
        f"difference without its sign, points (below {_SMALLEST:g}: at the edge)", size=7
    )
    figure.legend(handles=_levels(options), loc="outside upper center", ncols=3)
    return figure


def _draw_differences(axes: Axes, cells: pd.DataFrame, options: Options) -> None:
    """Draw the cells of a role, a row per task."""
    size = cells["delta"].abs()
    tasks = [*cells.groupby("task", sort=False)["detectable"].median().sort_values().index]
    rows = cells["task"].map(tasks.index)
    for column, look in _DETECTABLE.items():
        axes.plot(cells[column].abs().clip(lower=_SMALLEST), rows, **look)
    axes.set_yticks(range(len(tasks)), [fitted(options.title(task), 1.2) for task in tasks])
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    inside = int((size < cells["detectable"]).sum())
    axes.set_title(f"{cells['role'].iloc[0]} tasks\n{inside} of {len(cells)} inside the noise")


def _levels(options: Options) -> list[Line2D]:
    """Return what the legend says of the marks."""
    alone = f"detectable by itself, at {options.statistics.alpha:g}"
    names = ["measured difference", alone, "detectable as the first of its role (Holm)"]
    looks = zip(_DETECTABLE.values(), names, strict=True)
    return [Line2D([], [], label=name, **look) for look, name in looks]


def draw_averages(averages: pd.DataFrame, ranked: pd.DataFrame, options: Options) -> Figure:
    """Draw mean transfer per source, of all outcomes and given success, joined by a line.

    averages: the table of `averages.averages_by_filter`. Where some tasks have no success, their
    number stands beside the source, and a ring is the mean of all outcomes without these tasks.
    ranked: the table of `averages.average_table` of the outcomes that sources are ranked by; below
    each source lie its two intervals.
    """
    roles = [role for role in OF_ROLE if (averages["role"] == role).any()]
    if not roles:
        return message_figure("No average to show:\nno source has a score beside a baseline.")
    rows = averages["source"].nunique()
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 1.1 + 1.3 * _ROW_HEIGHT * rows))
    panels = figure.subplots(1, len(roles), squeeze=False)[0]
    joined = averages.merge(ranked[["role", "source", *_BOUNDS]], on=["role", "source"], how="left")
    for axes, role in zip(panels, roles, strict=True):
        best_on_top = joined[joined["role"] == role].iloc[::-1]
        _draw_intervals(axes, best_on_top, options)
        _draw_dumbbells(axes, best_on_top, options)
        axes.set_title(f"{role} tasks")
    under = "mean difference from baseline, points"
    if averages["disagreement"].map(bool).where(averages["disagreement"].notna(), False).any():
        under += "    ‡ all outcomes and success disagree in sign or order"
    figure.supxlabel(under, size=7)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def draw_robustness(robustness: pd.DataFrame) -> Figure:
    """Draw the number of significant correlations in each look, of two roles side by side.

    robustness: the table of `robustness.robustness_table`. A panel for each way to count: pairs by
    the sources' means before and after correction, and cells by the rule of the paper.
    """
    if robustness.empty:
        return message_figure("No correlation to show:\nno encoder has scores.")
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 1.0 + 0.17 * len(robustness)))
    panels = figure.subplots(1, len(_COUNTS), sharey=True)
    for axes, (suffix, title) in zip(panels, _COUNTS.items(), strict=True):
        _draw_counts(axes, robustness, suffix)
        axes.set_title(title)
    looks = zip(robustness["look"], robustness["sources"], strict=True)
    labels = [f"{fitted(look, 1.6)} ({sources})" for look, sources in looks]
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].set_ylim(len(labels) - 0.5, -0.5)
    figure.supxlabel("correlated pairs of tasks    in brackets: sources", size=7)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _draw_counts(axes: Axes, robustness: pd.DataFrame, suffix: str) -> None:
    rows = np.arange(len(robustness))
    start = np.zeros(len(robustness))
    for number, (column, label) in enumerate(_PAIRS.items()):
        counts = robustness[f"{column}{suffix}"].to_numpy()
        axes.barh(rows, counts, left=start, color=COLOURS[number], label=label)
        start += counts
    for row, total in enumerate(start):
        beside: dict[str, Any] = {"xytext": (2, 0), "textcoords": "offset points"}
        axes.annotate(f"{total:.0f}", (total, row), va="center", size=6, **beside)
    axes.set_xlim(0, max(1, 1.2 * start.max()))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def draw_sizes(sources: pd.DataFrame, options: Options) -> Figure:
    """Draw mean target transfer over the number of training examples of the source.

    sources: the table of `size.source_table`.
    """
    measured = sources.dropna(subset=["train_examples", "delta"])
    if measured.empty:
        return message_figure("No sizes to show:\nno source has a size and a target transfer.")
    many = len(measured) > _MANY
    figure = new_figure(TWO_COLUMNS if many else ONE_COLUMN, (1.4 if many else 0.85) * ONE_COLUMN)
    axes = figure.add_subplot()
    for number, (form, part) in enumerate(measured.groupby("form", sort=False)):
        axes.plot(
            part["train_examples"],
            part["delta"],
            MARKERS[number % len(MARKERS)],
            color=COLOURS[number % (len(COLOURS) - 1)],
            label=str(form),
        )
    axes.axhline(0, color=MUTED, linewidth=0.5)
    axes.set_xscale("log")
    mark_sizes(axes, measured["train_examples"])
    axes.margins(x=0.3, y=0.15)
    axes.set_xlabel("training examples of the intermediate task")
    axes.set_ylabel("mean difference on targets, points")
    figure.legend(loc="outside upper center", ncols=5, handletextpad=0.1, columnspacing=0.8)
    fix_layout(figure)
    _name_points(axes, measured, options)
    return figure


def draw_comparison(cells: pd.DataFrame, own: str, other: str) -> Figure:
    """Draw the difference of each cell in one study over that in the other.

    cells: the table of `comparison.compared_cells`. own, other: names of the studies.
    """
    both = cells[cells["cell"] == "both"]
    if both.empty:
        return message_figure("Nothing to compare:\nthe studies share no cell with a score.")
    figure = new_figure(ONE_COLUMN, ONE_COLUMN)
    axes = figure.add_subplot()
    for role, part in both.groupby("role", sort=False):
        label = f"{role}: {len(part)} cells"
        _scatter(axes, part["delta_other"], part["delta_own"], str(role), label)
    limit = 1.1 * max(1.0, both[["delta_own", "delta_other"]].abs().to_numpy().max())
    axes.axline((0, 0), slope=1, color=MUTED, linewidth=0.7)
    axes.axhline(0, color=MUTED, linewidth=0.4)
    axes.axvline(0, color=MUTED, linewidth=0.4)
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit))
    axes.set_xlabel(f"difference from baseline in {other}, points")
    axes.set_ylabel(f"difference from baseline in {own}, points")
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def mark_sizes(axes: Axes, sizes: pd.Series[Any], form: str = "{x:,.0f}") -> None:
    """Mark decades, and steps between them where the sizes span little more than one."""
    narrow = sizes.max() < 20 * sizes.min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axes.xaxis.set_major_formatter(form)
    axes.xaxis.set_minor_formatter(NullFormatter())


def _scatter(
    axes: Axes, across: pd.Series[float], up: pd.Series[float], role: str, label: str
) -> None:
    colour, marker = OF_ROLE[role]
    look: dict[str, Any] = {"alpha": 0.6, "markeredgewidth": 0, "color": colour}
    axes.plot(across, up, marker, label=label, **look)


def _draw_intervals(axes: Axes, best_on_top: pd.DataFrame, options: Options) -> None:
    """Draw both intervals of each source a little below its means."""
    rows = np.arange(len(best_on_top)) - _BELOW
    percent = f"{100 * (1 - options.statistics.alpha):g} %"
    colour = COLOURS[0] if options.statistics.ranking == GIVEN_SUCCESS else COLOURS[3]
    looks = {"fixed": ("other restarts", 2, 0.45), "random": ("other tasks", 0.8, 1)}
    for name, (others, width, alpha) in looks.items():
        ends = best_on_top[f"{name}_low"], best_on_top[f"{name}_high"]
        label = f"{options.statistics.ranking}, {percent} for {others}"
        axes.hlines(rows, *ends, color=colour, alpha=alpha, linewidth=width, label=label)


def _draw_dumbbells(axes: Axes, best_on_top: pd.DataFrame, options: Options) -> None:
    rows = np.arange(len(best_on_top))
    outcomes, success = best_on_top["delta_all_outcomes"], best_on_top["delta_given_success"]
    few = best_on_top["common_tasks"] < best_on_top["tasks_all_outcomes"]
    common = best_on_top["common_all_outcomes"].where(few)
    axes.axvline(0, color=MUTED, linewidth=0.5)
    axes.hlines(rows, outcomes, success, color=MUTED, linewidth=0.8)
    axes.plot(outcomes, rows, "o", color=COLOURS[3], markersize=4, label="all outcomes")
    ring: dict[str, Any] = {"markersize": 4, "markeredgewidth": 0.7, "markerfacecolor": "none"}
    on_these = "all outcomes, on these tasks"
    axes.plot(common, rows, "o", color=COLOURS[3], **ring, label=on_these)
    label = "given success (without degenerate runs)"
    axes.plot(success, rows, "D", color=COLOURS[0], markersize=2.5, label=label)
    axes.set_yticks(rows, [_name_of_average(row, options) for _, row in best_on_top.iterrows()])
    axes.set_ylim(-0.7, len(rows) - 0.3)


def _name_of_average(average: pd.Series[Any], options: Options) -> str:
    """Return a source, marked where both means disagree, and its tasks where they are not all."""
    name = fitted(options.source_title(average["source"], average["arm"]), 1.2)
    mark = "‡" if pd.notna(average["disagreement"]) and average["disagreement"] else ""
    common, every = average["common_tasks"], average["tasks_all_outcomes"]
    return f"{name}{mark} ({common} of {every})" if common < every else f"{name}{mark}"


def _name_points(axes: Axes, sources: pd.DataFrame, options: Options) -> None:
    """Write each source's name beside its point, at the first free place; say how many have none.

    A place is free where neither another name nor a point is, inside the axes.
    """
    points = axes.transData.transform(sources[["train_examples", "delta"]].to_numpy(dtype=float))
    occupied = [Bbox.from_bounds(x - 2, y - 2, 4, 4) for x, y in points]
    for _, source in sources.iterrows():
        point = (source["train_examples"], source["delta"])
        name = fitted(options.source_title(source["source"]), 1.2, 5.5)
        for place in _PLACES:
            text = axes.annotate(name, point, textcoords="offset points", size=5.5, **place)
            box = text.get_window_extent()
            if _is_inside(box, axes) and not box.count_overlaps(occupied):
                occupied.append(box)
                break
            text.remove()
    unnamed = len(sources) - len(axes.texts)
    if unnamed:
        axes.set_title(f"{unnamed} without a name: too close to others", size=6)


def _is_inside(box: Bbox, axes: Axes) -> bool:
    around = axes.get_window_extent()
    return bool(around.x0 <= box.x0 and box.x1 <= around.x1)
