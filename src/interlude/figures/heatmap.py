"""The transfer heatmap, arranged as figure 2 of Pruksachatkun et al. 2020."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.figures.grid import Cells, arranged, draw_cells, ink
from interlude.figures.labels import points, signed
from interlude.figures.style import DIVERGING, message_figure

AVERAGE = "average"
BASELINE = "baseline"
# As in the paper; a larger difference has the colour of this one. In points.
_LIMIT = 30.0


def draw_heatmap(transfer: pd.DataFrame, options: Options) -> Figure:
    """Draw deltas in points: tasks as rows in groups, sources as columns, and the baseline.

    transfer: the transfer table. Bold with a star: survives Holm's correction; bold: survives
    Benjamini and Hochberg's. A dot: fewer runs count than were planned. Grey: no score.
    """
    if transfer.empty:
        return message_figure("No transfer to show:\nthe study has no intermediate task.")
    sources = list(dict.fromkeys(transfer["source"]))
    groups = {
        str(role): heatmap_cells(cells, sources, options)
        for role, cells in transfer.groupby("role", sort=False)
    }
    figure, parts = arranged(groups, options.title)
    scale = Normalize(-_limit(transfer), _limit(transfer), clip=True)
    colours = matplotlib.colormaps[DIVERGING]
    bar = figure.colorbar(
        ScalarMappable(scale, colours), ax=list(parts), fraction=0.05, aspect=20, pad=0.01
    )
    bar.set_label("difference from baseline, points")
    bar.outline.set_visible(False)
    figure.supxlabel(_legend(transfer, options.statistics.alpha), size=6, linespacing=1.4)
    draw_cells(parts, colours, scale)
    for axes, role in zip(parts, groups, strict=True):
        _mark_incomplete(axes, transfer[transfer["role"] == role], sources, colours, scale)
    return figure


def heatmap_cells(transfer: pd.DataFrame, sources: list[str], options: Options) -> Cells:
    """Return the cells of one role; rows are tasks and, for target tasks, their average.

    The baseline column is in absolute points; its difference from itself, its colour, is 0.
    """
    tasks = list(dict.fromkeys(transfer["task"]))
    place = transfer.set_index(["task", "source"])
    grid = pd.MultiIndex.from_product([tasks, sources])
    delta = place["delta"].reindex(grid).unstack()[sources].loc[tasks]
    holm = _below(place["p_holm"], grid, options)[sources].loc[tasks]
    fdr = _below(place["p_fdr"], grid, options)[sources].loc[tasks]
    baseline = transfer.groupby("task")["baseline"].first().loc[tasks]
    texts = delta.map(signed)
    texts += holm.replace({True: "*", False: ""})
    return _with_average(delta, texts, fdr, baseline, averaged=transfer["role"].iloc[0] == "target")


def _with_average(
    delta: pd.DataFrame,
    texts: pd.DataFrame,
    bold: pd.DataFrame,
    baseline: pd.Series[float],
    averaged: bool,
) -> Cells:
    texts = texts.assign(**{BASELINE: baseline.map(points)})
    values = delta.assign(**{BASELINE: 0.0})
    bold = bold.assign(**{BASELINE: False})
    if averaged:
        mean = delta.mean()
        values.loc[AVERAGE] = [*mean, 0.0]
        texts.loc[AVERAGE] = [*mean.map(signed), points(baseline.mean())]
        bold.loc[AVERAGE] = False
    return Cells(values, texts, bold)


def _below(p: pd.Series[float], grid: pd.MultiIndex, options: Options) -> pd.DataFrame:
    return (p < options.statistics.alpha).reindex(grid, fill_value=False).unstack()


def _mark_incomplete(
    axes: Axes, cells: pd.DataFrame, sources: list[str], colours: Colormap, scale: Normalize
) -> None:
    """Put a dot into the corner of cells in which not every planned run counts."""
    rows = {task: number for number, task in enumerate(dict.fromkeys(cells["task"]))}
    fewer = cells[cells["n"] < cells["n_planned"]]
    for source, task, delta in zip(fewer["source"], fewer["task"], fewer["delta"], strict=True):
        across, down = sources.index(source) + 0.93, rows[task] + 0.2
        colour = ink(delta, colours, scale)
        axes.plot(across, down, ".", color=colour, markersize=4, markeredgewidth=0)


def _limit(transfer: pd.DataFrame) -> float:
    largest = transfer["delta"].abs().max()
    return float(np.nanmin([_LIMIT, max(1.0, largest)]))


def _legend(transfer: pd.DataFrame, alpha: float) -> str:
    marks = {
        "* survives Holm's correction": (transfer["p_holm"] < alpha).any(),
        "bold: survives Benjamini–Hochberg's": (transfer["p_fdr"] < alpha).any(),
        "dot: not all planned runs count": (transfer["n"] < transfer["n_planned"]).any(),
        "grey: no score": transfer["delta"].isna().any(),
    }
    used = [mark for mark, found in marks.items() if found]
    lines = ["    ".join(used[at : at + 2]) for at in range(0, len(used), 2)]
    untested = transfer[transfer["p"].isna()]
    lines += [
        f"{count} of {len(transfer)} cells have no test: {note}"
        for note, count in untested["note"].value_counts().items()
    ]
    return "\n".join(lines)
