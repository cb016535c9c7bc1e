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
from interlude.analysis.results import sources_in_order
from interlude.figures.grid import Cells, arranged, draw_cells, ink
from interlude.figures.labels import points, signed
from interlude.figures.style import DIVERGING, message_figure
from interlude.words import NO_SOURCE

AVERAGE = "average"
BASELINE = "baseline"
# As in the paper; a larger difference has the colour of this one. In points.
_LIMIT = 30.0


def draw_heatmap(transfer: pd.DataFrame, options: Options) -> Figure:
    """Draw deltas in points: tasks as rows in groups, sources as columns, and the baseline.

    transfer: the rows of one contrast in the transfer table. Without a column of the baseline where
    it has the same sources. Bold with a star: survives Holm's correction; bold: survives
    Benjamini and Hochberg's. A dot: of the cell or its baseline not every planned run counts. A
    cross: some of these runs are degenerate. Grey: no difference.
    """
    if transfer.empty:
        return message_figure("No transfer to show:\nthe study has no intermediate task.")
    sources = sources_in_order(transfer)
    groups = {
        str(role): heatmap_cells(cells, sources, options)
        for role, cells in transfer.groupby("role", sort=False)
    }
    arm = str(transfer["arm"].iloc[0])
    figure, parts = arranged(groups, options.title, lambda name: options.source_title(name, arm))
    scale = Normalize(-_limit(transfer), _limit(transfer), clip=True)
    colours = matplotlib.colormaps[DIVERGING]
    bar = figure.colorbar(
        ScalarMappable(scale, colours),
        ax=list(parts),
        fraction=0.05,
        aspect=20,
        pad=0.01,
        extend=_clipped(transfer),
    )
    from_what = "baseline" if _has_one_baseline(transfer) else str(transfer["against"].iloc[0])
    bar.set_label(f"difference from {from_what}, points")
    bar.outline.set_visible(False)
    figure.supxlabel(_legend(transfer, options.statistics.alpha), size=6, linespacing=1.4)
    draw_cells(parts, colours, scale)
    for axes, role in zip(parts, groups, strict=True):
        _mark(axes, transfer[transfer["role"] == role], sources, colours, scale)
    return figure


def heatmap_cells(transfer: pd.DataFrame, sources: list[str], options: Options) -> Cells:
    """Return the cells of one role; rows are tasks and, for target tasks, their average.

    The average is over the tasks that all sources have a difference on, so that it compares them.
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
    texts = delta.map(signed)
    texts += holm.replace({True: "*", False: ""})
    cells = Cells(delta, texts, fdr)
    if _has_one_baseline(transfer):
        cells = Cells(
            delta.assign(**{BASELINE: 0.0}),
            texts.assign(**{BASELINE: baseline.map(points)}),
            fdr.assign(**{BASELINE: False}),
        )
    return _with_average(cells, baseline) if transfer["role"].iloc[0] == "target" else cells


def _has_one_baseline(transfer: pd.DataFrame) -> bool:
    """Return whether all sources are held against the same baseline."""
    return bool((transfer["baseline_source"] == NO_SOURCE).all())


def _with_average(cells: Cells, baseline: pd.Series[float]) -> Cells:
    """Return the cells with a row of averages, unless no task has a difference of all sources."""
    values, texts, bold = cells.values.copy(), cells.texts.copy(), cells.bold.copy()
    delta = values.drop(columns=BASELINE, errors="ignore")
    common = delta.loc[:, delta.notna().any()].dropna()
    if common.empty:
        return cells
    name = AVERAGE if len(common) == len(delta) else f"{AVERAGE} of {len(common)}"
    values.loc[name] = values.loc[common.index].mean()
    texts.loc[name] = values.loc[name].map(signed)
    if BASELINE in texts:
        texts.loc[name, BASELINE] = points(baseline[common.index].mean())
    bold.loc[name] = False
    return Cells(values, texts, bold)


def _below(p: pd.Series[float], grid: pd.MultiIndex, options: Options) -> pd.DataFrame:
    return (p < options.statistics.alpha).reindex(grid, fill_value=False).unstack()


def _incomplete(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return of which cells, or of whose baseline, not every planned run counts."""
    own = cells["n_restarts"] < cells["n_planned"]
    return own | (cells["baseline_n"] < cells["baseline_n_planned"])


def _degenerate(cells: pd.DataFrame) -> pd.Series[bool]:
    """Return which cells, or whose baseline, have degenerate runs, whether these count or not."""
    return cells["n_degenerate"] + cells["baseline_n_degenerate"] > 0


def _mark(
    axes: Axes, cells: pd.DataFrame, sources: list[str], colours: Colormap, scale: Normalize
) -> None:
    """Put a dot into the right corner of incomplete cells, a cross into the left of degenerate."""
    rows = {task: number for number, task in enumerate(dict.fromkeys(cells["task"]))}
    looks = {".": (_incomplete(cells), 0.93, 0), "x": (_degenerate(cells), 0.07, 0.5)}
    for marker, (marked, place, width) in looks.items():
        shown = cells[marked]
        for source, task, delta in zip(shown["source"], shown["task"], shown["delta"], strict=True):
            axes.plot(
                sources.index(source) + place,
                rows[task] + 0.2,
                marker,
                color=ink(delta, colours, scale),
                markersize=4 if marker == "." else 2,
                markeredgewidth=width,
            )


def _clipped(transfer: pd.DataFrame) -> str:
    """Return the ends of the colour bar beyond which differences have the colour of its end."""
    above, below = transfer["delta"].max() > _LIMIT, transfer["delta"].min() < -_LIMIT
    ends = {(True, True): "both", (True, False): "max", (False, True): "min"}
    return ends.get((bool(above), bool(below)), "neither")


def _limit(transfer: pd.DataFrame) -> float:
    largest = transfer["delta"].abs().max()
    return float(np.nanmin([_LIMIT, max(1.0, largest)]))


def _legend(transfer: pd.DataFrame, alpha: float) -> str:
    marks = {
        "* survives Holm's correction within its role": (transfer["p_holm"] < alpha).any(),
        "bold: survives Benjamini–Hochberg's": (transfer["p_fdr"] < alpha).any(),
        "dot: not all planned runs count": _incomplete(transfer).any(),
        "×: degenerate runs, its own or its baseline's": _degenerate(transfer).any(),
        "grey: no difference": transfer["delta"].isna().any(),
    }
    used = [mark for mark, found in marks.items() if found]
    lines = ["    ".join(used[at : at + 2]) for at in range(0, len(used), 2)]
    untested = transfer[transfer["p"].isna()]
    lines += [
        f"{count} of {len(transfer)} cells have no test: {note}"
        for note, count in untested["note"]
        .astype("str")
        .str.split("; ")
        .str[0]
        .value_counts()
        .items()
    ]
    return "\n".join(lines)
