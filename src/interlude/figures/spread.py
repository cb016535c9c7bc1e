"""Every restart of every cell: the spread of the runs of a cell."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.scale import SymmetricalLogTransform
from matplotlib.ticker import MaxNLocator

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.analysis.scope import runs_of
from interlude.figures.labels import fitted, text_width
from interlude.figures.style import (
    COLOURS,
    MUTED,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)
from interlude.words import NO_SOURCE, Contrast

_ROW_HEIGHT = 0.135
# Linear within this many points around the baseline, logarithmic beyond: collapsed runs fit in.
_LINEAR = 2.0
# What is marked on the axis, as far as there is room; the first ones first.
_MARKED = (0.0, -10.0, 10.0, -5.0, 5.0, -2.0, 2.0, -50.0, 50.0, -20.0, 20.0, -1.0, 1.0)
_TICK_TYPE, _TITLE_TYPE = 6.0, 7.5  # points
_BEYOND = 0.08  # of the axis, left free at its ends
_APART = 0.05  # inches between two numbers of the axis
_OVER = 0.03  # inches that a number may reach over the end of its axis
_LABELS = 1.6  # inches
_FEW_PANELS = 6  # names of more of them stand upright
_ACROSS = 13  # panels; more of them leave no room for numbers
_HEAD = 0.9  # inches, of upright names


def draw_spread(runs: pd.DataFrame, options: Options, contrast: Contrast | None) -> Figure:
    """Draw each run as a mark: its score minus the baseline's mean, a panel per source.

    With a grid, minus the baseline's mean at the same point.

    runs: after `flag_degenerate`; the baseline's have a panel where it has no sources. Crosses are
    degenerate runs; runs without a score can not be drawn and are counted in the tables.
    """
    if contrast is None:
        return message_figure("No spread to show: the study compares nothing.")
    evaluated = _differences(runs, contrast)
    if evaluated["difference"].isna().all():
        return message_figure("No spread to show: no task has a baseline.")
    sources = in_order(evaluated["source"])
    rows = [
        (role, task)
        for role in ("target", "probing")
        for task in in_order(evaluated.loc[evaluated["role"] == role, "task"])
    ]
    crowded = len(sources) > _FEW_PANELS
    down = math.ceil(len(sources) / _ACROSS)
    across = math.ceil(len(sources) / down)
    labels = [fitted(options.title(task), _LABELS) for _, task in rows]
    height = down * (_ROW_HEIGHT * len(rows) + (_HEAD if crowded else 0.4)) + 0.4
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, height))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    width = (TWO_COLUMNS - max(map(text_width, labels))) / across - 0.1
    room = _HEAD - 0.2 if crowded else width
    for axes, source in zip(panels.ravel(), sources, strict=False):
        _draw_panel(axes, evaluated[evaluated["source"] == source], rows)
        title = source if source == NO_SOURCE else options.source_title(source, contrast.arm)
        axes.set_title(fitted(title, room, _TITLE_TYPE), rotation=90 if crowded else 0)
    for axes in panels.ravel()[len(sources) :]:
        axes.set_visible(False)
    _mark_axis(panels[0, 0], evaluated["difference"], width)
    for axes in panels[:, 0]:
        axes.set_yticks(range(len(rows)), labels)
    panels[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    figure.supxlabel("score minus mean of baseline, points    × degenerate", size=7)
    return figure


def _mark_axis(axes: Axes, differences: pd.Series[float], width: float) -> None:
    """Let the axis reach over all differences, with as many numbers as stand apart in its width.

    Every panel shares this axis. width: of a panel, in inches.
    """
    scale = SymmetricalLogTransform(10, _LINEAR, 1)
    low, high = scale.transform([min(differences.min(), -0.1), max(differences.max(), 0.1)])
    beyond = _BEYOND * (high - low)
    ends = low - beyond, high + beyond
    axes.set_xlim(*scale.inverted().transform(ends))
    if differences.abs().max() <= _LINEAR:
        axes.xaxis.set_major_locator(MaxNLocator(max(2, int(width / 0.4))))
        axes.xaxis.set_major_formatter(lambda value, _: _number(value))
        return
    at = {
        value: (scale.transform([value])[0] - ends[0]) / np.ptp(ends) * width for value in _MARKED
    }
    with_zero, without = _standing_apart(at, width), _standing_apart({**at, 0.0: -1.0}, width)
    marked = sorted(with_zero if len(with_zero) > 1 else without)
    axes.set_xticks(marked, list(map(_number, marked)))


def _standing_apart(at: dict[float, float], width: float) -> list[float]:
    """Return the first values whose numbers do not touch; at: their middles, in inches."""
    kept: list[float] = []
    for value, middle in at.items():
        half = _half(value)
        inside = half - _OVER <= middle <= width - half + _OVER
        if inside and all(abs(middle - at[one]) > half + _half(one) + _APART for one in kept):
            kept.append(value)
    return kept


def _half(value: float) -> float:
    return text_width(_number(value), _TICK_TYPE) / 2


def _number(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if abs(value) > 1e-9 else "0"


def _differences(runs: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    evaluated = runs[(runs["role"] != "intermediate") & runs["score"].notna()]
    against = evaluated[evaluated["arm"] == contrast.against]
    of_source = ["source"] if (against["source"] != NO_SOURCE).any() else []
    cell = ["role", "task", *of_source, *trial(evaluated)[:-1]]
    baseline = against.groupby(cell)["score"].mean().rename("baseline").reset_index()
    joined = runs_of(evaluated, contrast).merge(baseline, on=cell, how="left")
    drawn = joined[joined["status"] == "ok"]
    return drawn.assign(difference=POINTS * (drawn["score"] - drawn["baseline"]))


def _draw_panel(axes: Axes, runs: pd.DataFrame, rows: list[tuple[str, str]]) -> None:
    place = {key: number for number, key in enumerate(rows)}
    down = np.array([place[key] for key in zip(runs["role"], runs["task"], strict=True)])
    bad = runs["degenerate"].to_numpy(dtype=bool)
    across = runs["difference"].to_numpy()
    axes.axvline(0, color=MUTED, linewidth=0.5)
    axes.hlines(
        range(len(rows)), 0, 1, transform=axes.get_yaxis_transform(), color="#EEEEEE", lw=0.4
    )
    axes.plot(across[~bad], down[~bad], "o", color=COLOURS[0], alpha=0.7, markeredgewidth=0)
    axes.plot(across[bad], down[bad], "x", color=COLOURS[3], markeredgewidth=0.7)
    axes.set_xscale("symlog", linthresh=_LINEAR)
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=_TICK_TYPE, labelbottom=True)
