"""What encoders have forgotten of their pretraining, beside what they gain."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlude.analysis.forgetting import ENCODER
from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.figures.colours import colours_of, levels_of, lines_of
from interlude.figures.labels import fitted
from interlude.figures.style import (
    MARKERS,
    MUTED,
    ONE_COLUMN,
    OTHERS,
    message_figure,
    new_figure,
)


def draw_forgetting(table: pd.DataFrame, options: Options) -> Figure:
    """Draw average transfer over masked accuracy: a point per arm (sign) and source (colour).

    table: that of `forgetting.forgetting_table`; of target tasks, and of the first contrast of each
    arm. Bars are standard deviations; the dashed line is the pretrained encoder.
    """
    known = table[table["role"] == "target"].dropna(subset=["masked_accuracy", "delta"])
    known = known[~known["pretrained"]].drop_duplicates(["arm", "source"])
    if known.empty:
        return message_figure("Nothing to show:\nno encoder was measured.")
    arms = in_order(known["arm"])
    colours = colours_of(levels_of(known, "source", "delta", ["arm"]))
    signs = {arm: MARKERS[n % len(MARKERS)] for n, arm in enumerate(arms)}
    figure = new_figure(ONE_COLUMN, 0.95 * ONE_COLUMN)
    axes = figure.add_subplot()
    known = known.sort_values("source", key=lambda names: names.map(colours) != OTHERS)
    columns = known[["masked_accuracy", "delta", "sd", *ENCODER]]
    for accuracy, delta, sd, arm, source in columns.itertuples(index=False, name=None):
        look: dict[str, Any] = {"color": colours[source], "marker": signs[arm]}
        bar = None if math.isnan(sd) else sd
        axes.errorbar(accuracy, delta, xerr=bar, elinewidth=0.6, capsize=1.5, **look)
    axes.axhline(0, color=MUTED, linewidth=0.4)
    mark: dict[str, Any] = {"color": "black", "linestyle": ""}
    labels: dict[str, Line2D] = {arm: _sign(marker=signs[arm], **mark) for arm in arms}
    for line, source in zip(*lines_of(colours), strict=True):
        labels[fitted(options.title(source), 1.0)] = _sign(color=line.get_color(), linewidth=3)
    for accuracy in table.loc[table["pretrained"].astype(bool), "masked_accuracy"].iloc[:1]:
        axes.axvline(accuracy, **_PRETRAINED)
        labels["the pretrained encoder"] = _sign(**_PRETRAINED)
    axes.set_xlabel("masked accuracy of the encoder, points")
    axes.set_ylabel("average transfer to target tasks, points")
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=2)
    return figure


_PRETRAINED: Any = {"color": MUTED, "linestyle": "--", "linewidth": 0.8}


def _sign(**look: Any) -> Line2D:
    return Line2D([], [], **{"color": MUTED, **look})
