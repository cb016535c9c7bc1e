"""The answer in one figure: what is expected of each target's start, and of each source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlude.analysis.answer import HELPS, SOURCE, TARGET
from interlude.analysis.options import Options
from interlude.figures.labels import fitted
from interlude.figures.style import (
    COLOURS,
    MUTED,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_ROW_HEIGHT = 0.17
_LABEL_WIDTH = 1.6  # inches
_PANELS = {TARGET: "what to expect of the best source", SOURCE: "mean over the targets"}
_ABOVE, _BELOW = COLOURS[0], COLOURS[3]
# What the legend calls them: colour of the interval, and filling of the point.
_LOOKS = {
    "known to help": (_ABOVE, _ABOVE),
    "interval above 0": (_ABOVE, "white"),
    "interval below 0": (_BELOW, "white"),
    "not known": (MUTED, "white"),
}


def draw_answer(answer: pd.DataFrame, options: Options) -> Figure:
    """Draw the estimates of the first contrast with their intervals: by target, and by source.

    answer: of `answer.answer_table`.
    """
    first = answer.dropna(subset="arm").head(1)
    own = answer.merge(first[["arm", "against"]], on=["arm", "against"])
    if own["expected"].isna().all():
        return message_figure("Nothing to show: no difference can be estimated.")
    rows = own["about"].value_counts().max()
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 0.9 + _ROW_HEIGHT * rows))
    panels = figure.subplots(1, len(_PANELS))
    for axes, (about, title) in zip(panels, _PANELS.items(), strict=True):
        part = own[own["about"] == about].reset_index(drop=True)
        _draw_rows(axes, part, [_label(row, options) for row in part.itertuples()])
        axes.set_title(title)
    figure.supxlabel("difference from baseline, points", size=7)
    figure.legend(handles=_legend(), loc="outside upper center", ncols=len(_LOOKS))
    return figure


def _label(row: Any, options: Options) -> str:
    source = "" if pd.isna(row.source) else options.source_title(row.source, row.arm)
    if row.about == SOURCE:
        return source
    return f"{options.title(row.name)}: {source}" if source else options.title(row.name)


def _draw_rows(axes: Axes, rows: pd.DataFrame, labels: list[str]) -> None:
    axes.axvline(0, color=MUTED, linewidth=0.5)
    for place, (_, row) in enumerate(rows.iterrows()):
        if pd.isna(row["low"]):
            axes.text(0, place, " cannot be estimated", va="center", color=MUTED, size=6)
            continue
        colour, filling = _LOOKS[_look(row)]
        axes.hlines(place, row["low"], row["high"], color=colour, linewidth=1.2)
        axes.plot(row["expected"], place, "o", color=colour, markerfacecolor=filling, markersize=4)
    axes.set_yticks(np.arange(len(rows)), [fitted(label, _LABEL_WIDTH) for label in labels])
    axes.set_ylim(len(rows) - 0.4, -0.6)


def _look(row: pd.Series[Any]) -> str:
    if row["answer"] == HELPS:
        return "known to help"
    if row["low"] > 0:
        return "interval above 0"
    return "interval below 0" if row["high"] < 0 else "not known"


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=colour, marker="o", markerfacecolor=filling, label=label)
        for label, (colour, filling) in _LOOKS.items()
    ]
