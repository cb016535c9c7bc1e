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
from interlude.figures.labels import coefficient
from interlude.figures.style import DIVERGING, message_figure

_SCALE = Normalize(-1, 1)
_NOTHING = "No correlation to show:\nfewer than 3 encoders have scores on a pair of tasks."


def draw_correlations(block: pd.DataFrame, options: Options) -> Figure:
    """Draw target tasks as columns and all tasks as rows; colour marks what survives Holm.

    block: the table of `correlations.target_block`. Other coefficients are printed without colour.
    """
    if block["spearman"].isna().all():
        return message_figure(_NOTHING)
    targets = list(dict.fromkeys(block["task_a"]))
    groups = {
        str(role): _block_cells(pairs, targets)
        for role, pairs in block.groupby("role_b", sort=False)
    }
    figure, parts = arranged(groups, options.title)
    _finish(figure, parts, f"{_encoders(block)}    colour: survives Holm's correction, all cells")
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
    _finish(figure, parts, f"{_encoders(pairs)}    below the diagonal Spearman, above it Pearson")
    return figure


def _block_cells(pairs: pd.DataFrame, targets: list[str]) -> Cells:
    """Return cells with tasks as rows; a task with itself and what is not significant is pale."""
    tasks = list(dict.fromkeys(pairs["task_b"]))
    place = pairs.set_index(["task_b", "task_a"])
    rho = place["spearman"].unstack().loc[tasks, targets]
    significant = place["holm_significant"].unstack().loc[tasks, targets]
    return _cells(rho, coloured=significant)


def _cells(rho: pd.DataFrame, coloured: pd.DataFrame | None = None) -> Cells:
    texts = rho.map(coefficient)
    never_bold = pd.DataFrame(False, index=rho.index, columns=rho.columns)
    return Cells(rho if coloured is None else rho.where(coloured), texts, never_bold)


def _encoders(pairs: pd.DataFrame) -> str:
    low, high = pairs["n"].min(), pairs["n"].max()
    return f"{low if low == high else f'{low} to {high}'} encoders"


def _finish(figure: Figure, parts: dict[Axes, Cells], legend: str) -> None:
    colours = matplotlib.colormaps[DIVERGING]
    mappable = ScalarMappable(_SCALE, colours)
    bar = figure.colorbar(mappable, ax=list(parts), fraction=0.05, aspect=20, pad=0.01)
    bar.set_label("correlation")  # short: a small study's bar is an inch high
    bar.outline.set_visible(False)
    figure.supxlabel(legend, size=6)
    draw_cells(parts, colours, _SCALE)
