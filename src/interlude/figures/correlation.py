"""Spearman correlations of tasks, arranged as figure 3 of Pruksachatkun et al. 2020."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from interlude.analysis.correlations import FEWEST, correlation_p
from interlude.analysis.options import Options
from interlude.figures.grid import Cells, add_bar, arranged, draw_cells
from interlude.figures.labels import coefficient
from interlude.figures.style import DIVERGING, message_figure

_SCALE = Normalize(-1, 1)
_NOTHING = "No correlation to show:\nfewer than 3 encoders have scores on a pair of tasks."


def draw_correlations(block: pd.DataFrame, options: Options) -> Figure:
    """Draw target tasks as columns and all tasks as rows.

    block: the table of `correlations.target_block`. Colour marks what survives Holm's correction on
    the means of the sources; bold what is significant by the rule of the paper. Hatched: too few
    sources for a test of their means. Grey: no correlation.
    """
    if _pairs_of(block)["spearman"].isna().all():
        return message_figure(_NOTHING)
    targets = list(dict.fromkeys(block["task_a"]))
    groups = {
        str(role): _block_cells(pairs, targets)
        for role, pairs in block.groupby("role_b", sort=False)
    }
    colour = "colour: survives Holm's correction on the sources' means"
    below = [colour, "bold: the paper's rule, restarts as encoders"]
    if any(cells.untested.any(axis=None) for cells in groups.values()):
        below.append("hatched: too few sources for a test of their means")
    return _drawn(groups, options, block, below)


def draw_all_pairs(pairs: pd.DataFrame, options: Options) -> Figure:
    """Draw all tasks against all: Spearman below the diagonal, Pearson above it.

    pairs: the table of `correlations.correlation_pairs`. What as many points as there are sources
    would show by chance has no colour: by the t test at `alpha`, without correction. Hatched: too
    few sources for that test.
    """
    if _pairs_of(pairs)["spearman"].isna().all():
        return message_figure(_NOTHING)
    keys = list(dict.fromkeys(zip(pairs["role_b"], pairs["task_b"], strict=True)))
    place = pairs.set_index(["role_a", "task_a", "role_b", "task_b"])
    spearman, pearson = (
        place[name].to_numpy().reshape(len(keys), len(keys)) for name in ("spearman", "pearson")
    )
    below = np.tri(len(keys), k=-1, dtype=bool)
    values = np.where(below, spearman, pearson)
    sources = place["n_means"].to_numpy().reshape(len(keys), len(keys))
    p = np.where(np.eye(len(keys), dtype=bool), np.nan, correlation_p(values, sources))
    names = [task for _, task in keys]
    rho, p_values = (pd.DataFrame(of, index=names, columns=names) for of in (values, p))
    groups = {
        role: _cells(rho[rows], p_values[rows], options.statistics.alpha)
        for role in dict.fromkeys(role for role, _ in keys)
        if (rows := np.array([key[0] == role for key in keys])).any()
    }
    legend = ["below the diagonal Spearman, above it Pearson"]
    legend.append(f"colour: p < {options.statistics.alpha:g} for as many points as sources")
    if (sources[~np.isnan(values)] < FEWEST).any():
        legend.append(f"hatched: fewer than {FEWEST} sources")
    return _drawn(groups, options, pairs, legend)


def _pairs_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are of two tasks, not of one with itself."""
    own = (table["task_a"] == table["task_b"]) & (table["role_a"] == table["role_b"])
    return table[~own]


def _block_cells(pairs: pd.DataFrame, targets: list[str]) -> Cells:
    """Return cells with tasks as rows; colour: significant on means, bold: by the paper's rule."""
    tasks = list(dict.fromkeys(pairs["task_b"]))
    place = pairs.set_index(["task_b", "task_a"])
    rho = place["spearman"].unstack().loc[tasks, targets]
    means, paper, p = (
        place[rule].unstack().loc[tasks, targets]
        for rule in ("holm_significant_means", "holm_significant", "p_means")
    )
    untested = rho.notna() & p.isna() & ~_itself(rho)
    return Cells(rho.where(means), rho.map(coefficient), paper, untested=untested)


def _cells(rho: pd.DataFrame, p: pd.DataFrame, alpha: float) -> Cells:
    """Return some rows of all pairs; a task with itself has a number and no colour."""
    never_bold = pd.DataFrame(False, index=rho.index, columns=rho.columns)
    untested = rho.notna() & p.isna() & ~_itself(rho)
    return Cells(rho.where(p < alpha), rho.map(coefficient), never_bold, untested=untested)


def _itself(rho: pd.DataFrame) -> np.ndarray:
    """Return which cells are of a task with itself."""
    itself: np.ndarray = rho.index.to_numpy()[:, None] == rho.columns.to_numpy()
    return itself


def _drawn(
    groups: dict[str, Cells], options: Options, pairs: pd.DataFrame, legend: list[str]
) -> Figure:
    sources = "source" if pairs["n_means"].max() == 1 else "sources"
    of = f"{_range(pairs['n'])} encoders of {_range(pairs['n_means'])} {sources}"
    grey = ["grey: no correlation"] if pairs["spearman"].isna().any() else []
    figure, parts = arranged(groups, options.title, below=[of, *legend, *grey])
    colours = matplotlib.colormaps[DIVERGING]
    add_bar(parts, _SCALE, colours, "correlation")
    draw_cells(parts, colours, _SCALE)
    return figure


def _range(numbers: pd.Series[int]) -> str:
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high}"
