"""Spearman correlations of tasks, arranged as figure 3 of Pruksachatkun et al. 2020."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.figures.grid import Cells, arranged, draw_cells
from interlude.figures.labels import POINTS_PER_INCH, coefficient
from interlude.figures.style import DIVERGING, PAGE_HEIGHT, message_figure

_SCALE = Normalize(-1, 1)
_LEGEND_SIZE = 6.0  # points
_LINE_SPACING = 1.4
_NOTHING = "No correlation to show:\nfewer than 3 encoders have scores on a pair of tasks."


def draw_correlations(block: pd.DataFrame, options: Options) -> Figure:
    """Draw target tasks as columns and all tasks as rows.

    block: the table of `correlations.target_block`. Colour marks what survives Holm's correction on
    the means of the sources; bold what is significant by the rule of the paper.
    """
    if block["spearman"].isna().all():
        return message_figure(_NOTHING)
    targets = list(dict.fromkeys(block["task_a"]))
    groups = {
        str(role): _block_cells(pairs, targets)
        for role, pairs in block.groupby("role_b", sort=False)
    }
    figure, parts = arranged(groups, options.title)
    of = f"{_range(block['n'])} encoders of {_range(block['n_means'])} sources"
    colour = "colour: survives Holm's correction on the sources' means"
    _finish(figure, parts, f"{of}\n{colour}\nbold: the paper's rule, restarts as encoders")
    return figure


def draw_all_pairs(pairs: pd.DataFrame, options: Options) -> Figure:
    """Draw all tasks against all: Spearman below the diagonal, Pearson above it.

    pairs: the table of `correlations.correlation_pairs`.
    """
    if pairs["spearman"].isna().all():
        return message_figure(_NOTHING)
    keys = list(dict.fromkeys(zip(pairs["role_b"], pairs["task_b"], strict=True)))
    place = pairs.set_index(["role_a", "task_a", "role_b", "task_b"])
    spearman, pearson = (
        place[name].to_numpy().reshape(len(keys), len(keys)) for name in ("spearman", "pearson")
    )
    below = np.tri(len(keys), k=-1, dtype=bool)
    values = np.where(below, spearman, pearson)
    np.fill_diagonal(values, np.nan)
    names = [task for _, task in keys]
    groups = {
        role: _cells(pd.DataFrame(values[rows], index=np.array(names)[rows], columns=names))
        for role in dict.fromkeys(role for role, _ in keys)
        if (rows := np.array([key[0] == role for key in keys])).any()
    }
    figure, parts = arranged(groups, options.title)
    of = f"{_range(pairs['n'])} encoders"
    _finish(figure, parts, f"{of}    below the diagonal Spearman, above it Pearson")
    return figure


def _block_cells(pairs: pd.DataFrame, targets: list[str]) -> Cells:
    """Return cells with tasks as rows; colour: significant on means, bold: by the paper's rule."""
    tasks = list(dict.fromkeys(pairs["task_b"]))
    place = pairs.set_index(["task_b", "task_a"])
    rho = place["spearman"].unstack().loc[tasks, targets]
    means, paper = (
        place[rule].unstack().loc[tasks, targets]
        for rule in ("holm_significant_means", "holm_significant")
    )
    return Cells(rho.where(means), rho.map(coefficient), paper)


def _cells(rho: pd.DataFrame) -> Cells:
    never_bold = pd.DataFrame(False, index=rho.index, columns=rho.columns)
    return Cells(rho, rho.map(coefficient), never_bold)


def _range(numbers: pd.Series[int]) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high}"


def _finish(figure: Figure, parts: dict[Axes, Cells], legend: str) -> None:
    colours = matplotlib.colormaps[DIVERGING]
    mappable = ScalarMappable(_SCALE, colours)
    bar = figure.colorbar(mappable, ax=list(parts), fraction=0.05, aspect=20, pad=0.01)
    bar.set_label("correlation")  # short: a small study's bar is an inch high
    bar.outline.set_visible(False)
    figure.supxlabel(legend, size=_LEGEND_SIZE)
    more = legend.count("\n") * _LINE_SPACING * _LEGEND_SIZE / POINTS_PER_INCH
    figure.set_figheight(min(figure.get_figheight() + more, PAGE_HEIGHT))
    draw_cells(parts, colours, _SCALE)
