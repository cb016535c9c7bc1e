"""Spearman correlations of tasks, arranged as figure 3 of Pruksachatkun et al. 2020."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.figures.grid import Cells, add_bar, arranged, draw_cells
from interlude.figures.labels import coefficient
from interlude.figures.style import DIVERGING, message_figure

_SCALE = Normalize(-1, 1)
_NOTHING = "No correlation to show:\nfewer than 3 encoders have scores on a pair of tasks."


def draw_correlations(block: pd.DataFrame, options: Options) -> Figure:
    """Draw target tasks as columns and all tasks as rows.

    block: the table of `correlations.target_block`. Colour marks what survives Holm's correction on
    the means of the sources; bold what is significant by the rule of the paper. Grey: no
    correlation.
    """
    if block["spearman"].isna().all():
        return message_figure(_NOTHING)
    targets = list(dict.fromkeys(block["task_a"]))
    groups = {
        str(role): _block_cells(pairs, targets)
        for role, pairs in block.groupby("role_b", sort=False)
    }
    colour = "colour: survives Holm's correction on the sources' means"
    below = [colour, "bold: the paper's rule, restarts as encoders"]
    return _drawn(groups, options, block, below)


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
    names = [task for _, task in keys]
    groups = {
        role: _cells(pd.DataFrame(values[rows], index=np.array(names)[rows], columns=names), rows)
        for role in dict.fromkeys(role for role, _ in keys)
        if (rows := np.array([key[0] == role for key in keys])).any()
    }
    return _drawn(groups, options, pairs, ["below the diagonal Spearman, above it Pearson"])


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


def _cells(rho: pd.DataFrame, rows: np.ndarray) -> Cells:
    """Return some rows of all pairs; a task with itself has a number and no colour."""
    itself = np.eye(len(rho.columns), dtype=bool)[rows]
    never_bold = pd.DataFrame(False, index=rho.index, columns=rho.columns)
    return Cells(rho.mask(itself), rho.map(coefficient), never_bold)


def _drawn(
    groups: dict[str, Cells], options: Options, pairs: pd.DataFrame, legend: list[str]
) -> Figure:
    of = f"{_range(pairs['n'])} encoders of {_range(pairs['n_means'])} sources"
    grey = ["grey: no correlation"] if pairs["spearman"].isna().any() else []
    figure, parts = arranged(groups, options.title, below=[of, *legend, *grey])
    colours = matplotlib.colormaps[DIVERGING]
    add_bar(parts, _SCALE, colours, "correlation")
    draw_cells(parts, colours, _SCALE)
    return figure


def _range(numbers: pd.Series[int]) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high}"
