"""The transfer heatmap, arranged as figure 2 of Pruksachatkun et al. 2020."""

from __future__ import annotations

from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from interlude.analysis.options import Options
from interlude.analysis.results import sources_in_order
from interlude.figures.grid import (
    MOST_NUMBERS,
    Cells,
    add_bar,
    arranged,
    difference_scale,
    draw_cells,
    ink,
)
from interlude.figures.labels import points, signed
from interlude.figures.style import DIVERGING, message_figure
from interlude.words import NO_SOURCE

AVERAGE = "average"
BASELINE = "baseline"
# As in the paper; a larger difference has the colour of this one. In points.
_LIMIT = 30.0
_BOLD = "°"  # stands for a bold number where numbers do not fit


def draw_heatmap(transfer: pd.DataFrame, options: Options) -> Figure:
    """Draw deltas in points: tasks as rows in groups, sources as columns, and the baseline.

    transfer: the rows of one contrast in the transfer table. Without a column of the baseline where
    it has the same sources. Bold with a star: survives Holm's correction; bold: survives
    Benjamini and Hochberg's. A dot: of the cell or its baseline not every planned run counts. A
    cross: some of these runs are degenerate. A line below: stopped early. Hatched: no test. Grey:
    no difference. A difference inside the noise takes no more than half of the scale.
    """
    if transfer.empty:
        return message_figure("No transfer to show:\nthe study has no intermediate task.")
    sources = sources_in_order(transfer)
    groups = {
        str(role): heatmap_cells(cells, sources, options)
        for role, cells in transfer.groupby("role", sort=False)
    }
    arm = str(transfer["arm"].iloc[0])
    alpha = options.statistics.alpha
    figure, parts = arranged(
        groups,
        options.title,
        lambda name: options.source_title(name, arm),
        _legend(transfer, alpha),
    )
    scale = difference_scale(transfer["delta"], inside_noise(transfer, alpha), _LIMIT)
    colours = matplotlib.colormaps[DIVERGING]
    from_what = "baseline" if _has_one_baseline(transfer) else str(transfer["against"].iloc[0])
    add_bar(parts, scale, colours, f"difference from {from_what}, points")
    draw_cells(parts, colours, scale)
    for axes, role in zip(parts, groups, strict=True):
        _mark(axes, transfer[transfer["role"] == role], sources, colours, scale)
    return figure


def heatmap_cells(transfer: pd.DataFrame, sources: list[str], options: Options) -> Cells:
    """Return the cells of one role; rows are tasks and, for target tasks, their average.

    The average is over the tasks that all sources have a difference on, so that it compares them;
    where cells were stopped, over the restarts that all cells have.
    The baseline column is in absolute points; its difference from itself, its colour, is 0. There
    is none where each source has a baseline of its own.
    """
    tasks = list(dict.fromkeys(transfer["task"]))
    place = transfer.set_index(["task", "source"])
    grid = pd.MultiIndex.from_product([tasks, sources])
    delta = place["delta"].reindex(grid).unstack()[sources].loc[tasks]
    holm = _below(place["p_holm"], grid, options)[sources].loc[tasks]
    fdr = _below(place["p_fdr"], grid, options)[sources].loc[tasks]
    baseline = transfer.groupby("task")["baseline"].first().loc[tasks]
    stars = holm.replace({True: "*", False: ""})
    signs = stars.mask(fdr & ~holm, _BOLD)
    untested = delta.notna() & place["p"].reindex(grid).unstack()[sources].loc[tasks].isna()
    cells = Cells(delta, delta.map(signed) + stars, fdr, signs, untested)
    if _has_one_baseline(transfer):
        cells = Cells(
            delta.assign(**{BASELINE: 0.0}),
            cells.texts.assign(**{BASELINE: baseline.map(points)}),
            fdr.assign(**{BASELINE: False}),
            signs.assign(**{BASELINE: ""}),
            untested.assign(**{BASELINE: False}),
        )
    if transfer["role"].iloc[0] != "target":
        return cells
    even = place.get("delta_common", place["delta"]).reindex(grid).unstack()[sources].loc[tasks]
    return _with_average(cells, baseline, even)


def _has_one_baseline(transfer: pd.DataFrame) -> bool:
    """Return whether all sources are compared with the same baseline."""
    return bool((transfer["baseline_source"] == NO_SOURCE).all())


def _with_average(cells: Cells, baseline: pd.Series[float], even: pd.DataFrame) -> Cells:
    """Return the cells with a row of averages, unless no task has a difference of all sources.

    even: what is averaged, differences of shape (tasks, sources).
    """
    frames = (cells.values, cells.texts, cells.bold, cells.signs, cells.untested)
    values, texts, bold, signs, untested = (frame.copy() for frame in frames)
    common = even.loc[:, even.notna().any()].dropna()
    if common.empty:
        return cells
    name = AVERAGE if len(common) == len(even) else f"{AVERAGE} of {len(common)}"
    values.loc[name] = common.mean().reindex(values.columns)
    if BASELINE in values:
        values.loc[name, BASELINE] = 0.0
    texts.loc[name] = values.loc[name].map(signed)
    if BASELINE in texts:
        texts.loc[name, BASELINE] = points(baseline[common.index].mean())
    bold.loc[name] = untested.loc[name] = False
    signs.loc[name] = ""
    return Cells(values, texts, bold, signs, untested)


def _below(p: pd.Series[float], grid: pd.MultiIndex, options: Options) -> pd.DataFrame:
    return (p < options.statistics.alpha).reindex(grid, fill_value=False).unstack()


def inside_noise(transfer: pd.DataFrame, alpha: float) -> pd.Series[bool]:
    """Return which differences are not significant, or could not be at their size."""
    small = transfer["delta"].abs() < transfer["detectable"]
    return (transfer["p"] >= alpha) | (transfer["p"].isna() & small)


def _incomplete(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return of which cells, or of whose baseline, not every planned run counts."""
    return (cells["n_restarts"] < cells["n_planned"]) | _lost_of_baseline(cells)


def _lost_of_baseline(cells: pd.DataFrame) -> pd.Series[bool]:
    return cells["baseline_n"] < cells["baseline_n_planned"]


def _degenerate(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return which cells, or whose baseline, have degenerate runs, whether these count or not."""
    return cells["n_degenerate"] + cells["baseline_n_degenerate"] > 0


def _stopped(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return which cells got no further restarts, since they were known."""
    return cells.get("stopped", pd.Series("", cells.index)).fillna("") != ""


def _of_baseline(cells: pd.DataFrame) -> pd.DataFrame:
    """Return a cell of the baseline of each task, with its own runs."""
    first = cells.drop_duplicates("task")
    none: dict[str, Any] = {"n_restarts": 0, "n_planned": 0, "n_degenerate": 0, "stopped": ""}
    return first.assign(source=BASELINE, delta=0.0, **none)


def _mark(
    axes: Axes, cells: pd.DataFrame, sources: list[str], colours: Colormap, scale: Normalize
) -> None:
    """Put a dot into the right corner of incomplete cells, a cross into the left of degenerate.

    And a line below the numbers of those that were stopped.
    """
    rows = {task: number for number, task in enumerate(dict.fromkeys(cells["task"]))}
    columns = {source: number for number, source in enumerate(sources)}
    if _has_one_baseline(cells):
        columns[BASELINE] = len(sources)
        cells = pd.concat([cells, _of_baseline(cells)], ignore_index=True)
    looks = {
        ".": (_incomplete(cells), 0.93, 0.2, 4, 0),
        "x": (_degenerate(cells), 0.07, 0.2, 2, 0.5),
        "_": (_stopped(cells), 0.5, 0.88, 8, 0.6),
    }
    for marker, (marked, across, down, size, width) in looks.items():
        shown = cells[marked]
        for source, task, delta in zip(shown["source"], shown["task"], shown["delta"], strict=True):
            axes.plot(
                columns[source] + across,
                rows[task] + down,
                marker,
                color=ink(delta, colours, scale),
                markersize=size,
                markeredgewidth=width,
            )


def _legend(transfer: pd.DataFrame, alpha: float) -> list[str]:
    bold = "bold" if transfer["source"].nunique() <= MOST_NUMBERS else f"bold or {_BOLD}"
    untested = transfer[transfer["p"].isna()]
    marks = {
        "* survives Holm's correction within its role": (transfer["p_holm"] < alpha).any(),
        f"{bold}: survives Benjamini–Hochberg's": (transfer["p_fdr"] < alpha).any(),
        "dot: not all planned runs count": _incomplete(transfer).any(),
        "×: degenerate runs, its own or its baseline's": _degenerate(transfer).any(),
        "underlined: stopped early, once known": _stopped(transfer).any(),
        "hatched: a difference without a test": untested["delta"].notna().any(),
        "grey: no difference": transfer["delta"].isna().any(),
    }
    notes = untested["note"].astype("str").str.split("; ").str[0].value_counts()
    return [mark for mark, occurs in marks.items() if occurs] + [
        f"{count} of {len(transfer)} cells have no test: {note}" for note, count in notes.items()
    ]
