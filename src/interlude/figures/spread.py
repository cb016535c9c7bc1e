"""Every restart of every cell: how far runs of one cell lie apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, in_order, trial
from interlude.analysis.scope import runs_of
from interlude.figures.labels import fitted
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
_TICKS = ([-100, -10, 0, 10, 100], ["", "−10", "0", "+10", ""])
_CROWDED_TICKS = ([-10, 10], ["−10", "+10"])
_FEW_PANELS = 6  # more of them leave no room for all numbers


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
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, _ROW_HEIGHT * len(rows) + 1.0))
    panels = figure.subplots(1, len(sources), sharex=True, sharey=True, squeeze=False)[0]
    for axes, source in zip(panels, sources, strict=True):
        _draw_panel(axes, evaluated[evaluated["source"] == source], rows)
        title = source if source == NO_SOURCE else options.source_title(source, contrast.arm)
        name = fitted(title, 1.3 if crowded else 4.0 / len(sources))
        axes.set_title(name, rotation=90 if crowded else 0)
        axes.set_xticks(*_CROWDED_TICKS if crowded else _TICKS)
        axes.tick_params(axis="x", labelsize=5 if crowded else 6.5)
    panels[0].set_yticks(range(len(rows)), [fitted(options.title(task), 1.6) for _, task in rows])
    panels[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.supxlabel("score minus mean of baseline, points    × degenerate", size=7)
    return figure


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
