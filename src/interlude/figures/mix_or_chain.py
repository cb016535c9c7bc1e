"""Mixing against chaining (Weller et al. 2022): which is better, and whether sizes tell it."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from interlude.analysis.mix_or_chain import CHAIN, MIX, NEITHER
from interlude.analysis.options import Options
from interlude.analysis.results import in_order, sources_in_order
from interlude.figures.boxes import BOX_HEIGHT, QUARTILES, draw_boxes, patches_of
from interlude.figures.grid import Cells, add_bar, arranged, difference_scale, draw_cells
from interlude.figures.labels import fitted, signed
from interlude.figures.panels import mark_sizes
from interlude.figures.style import (
    COLOURS,
    DIVERGING,
    MARKERS,
    MUTED,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    message_figure,
    new_figure,
)

_FOUND = {CHAIN: COLOURS[1], NEITHER: "white", MIX: COLOURS[5]}
_NOTHING = "Nothing to show:\nno cell of mixing has one of chaining beside it."
_LIMIT = 10.0  # a larger difference has the colour of this one; in points


def draw_mix_or_chain(cells: pd.DataFrame, options: Options) -> Figure:
    """Draw mixing minus chaining in points; targets as rows, supporting tasks as columns.

    cells: the table of `mix_or_chain.mix_or_chain_table`. Three colours: which is better after
    Holm's correction. A cross behind a number: the rule of sizes says the other. Bold: better by
    the paper's test.
    """
    if cells["delta"].isna().all():
        return message_figure(_NOTHING)
    numbers = {CHAIN: -1.0, NEITHER: 0.0, MIX: 1.0}
    groups = {
        str(role): _grid(
            own.assign(
                value=own["better"].map(numbers).astype(float),
                text=own["delta"].map(signed) + own["right"].eq(False).fillna(False).map(_CROSS),
                bold=own["better_published"].isin([MIX, CHAIN]),
            )
        )
        for role, own in cells.groupby("role", sort=False)
    }
    names = {MIX: cells["arm"].iloc[0], CHAIN: cells["against"].iloc[0]}
    below = [
        f"{names[MIX]} minus {names[CHAIN]}, points",
        "×: the rule of sizes says the other",
        "bold: told apart by the paper's test",
        *(["grey: no difference"] if cells["delta"].isna().any() else []),
    ]
    figure, parts = arranged(groups, options.title, below=below)
    width, height = figure.get_size_inches()
    if width <= _WIDE:
        figure.set_size_inches(width, min(height + _TWO_LINES, PAGE_HEIGHT))
    labels = {
        **{which: f"{name} is better" for which, name in names.items()},
        NEITHER: "no difference is known",
    }
    figure.legend(
        [Patch(facecolor=_FOUND[which], edgecolor=MUTED, linewidth=0.4) for which in labels],
        list(labels.values()),
        loc="outside upper center",
        ncols=3 if width > _WIDE else 1,
    )
    bounds = BoundaryNorm([-1.5, -0.5, 0.5, 1.5], 3)
    draw_cells(parts, ListedColormap(list(_FOUND.values())), bounds)
    return figure


_WIDE = 4.5  # inches, of a figure with room for three entries of the legend in a line
_TWO_LINES = 0.4  # inches, of the entries that stand below the first one elsewhere
_CROSS = {True: "×", False: ""}
_NAMES = {MIX: "mixing is better", CHAIN: "chaining is better", NEITHER: "not told apart"}


def draw_better_than_single(cells: pd.DataFrame, options: Options) -> Figure:
    """Draw the better of mixing and chaining minus the target alone, in points.

    cells: as for `draw_mix_or_chain`. Bold with a star: survives Holm's correction. The letter says
    which of the two it is.
    """
    if cells["best_delta"].isna().all():
        return message_figure("Nothing to show:\nno cell has the target alone beside it.")
    letters = {cells["arm"].iloc[0]: "m", cells["against"].iloc[0]: "c"}
    significant = cells["best_p_holm"] < options.statistics.alpha
    stars = significant.map({True: "*", False: ""})
    text = cells["best_delta"].map(signed) + stars + " " + cells["best"].map(letters).fillna("")
    shown = cells.assign(value=cells["best_delta"], text=text.str.strip(), bold=significant)
    groups = {str(role): _grid(own) for role, own in shown.groupby("role", sort=False)}
    better = f"better of {' (m) and '.join(letters)} (c) minus the target alone"
    below = [better, "*: survives Holm's correction"]
    below += ["grey: no difference"] if cells["best_delta"].isna().any() else []
    figure, parts = arranged(groups, options.title, below=below)
    noise = cells["best_p"] >= options.statistics.alpha
    scale = difference_scale(cells["best_delta"], noise, _LIMIT)
    colours = matplotlib.colormaps[DIVERGING]
    add_bar(parts, scale, colours, "difference, points")
    draw_cells(parts, colours, scale)
    return figure


def _grid(cells: pd.DataFrame) -> Cells:
    """Return columns value, text and bold as grids of tasks and sources."""
    tasks, sources = in_order(cells["task"]), sources_in_order(cells)
    placed = cells.set_index(["task", "source"])
    index = pd.MultiIndex.from_product([tasks, sources])
    values, texts, bold = (
        placed[name].reindex(index).unstack()[sources].loc[tasks]
        for name in ("value", "text", "bold")
    )
    return Cells(values.astype(float), texts.fillna(""), bold.fillna(False).astype(bool))


def draw_size_scatter(cells: pd.DataFrame, regression: pd.DataFrame, options: Options) -> Figure:
    """Draw t of mixing against chaining over the ratio of sizes, with its regression.

    cells: as for `draw_mix_or_chain`; regression: the table of `mix_or_chain.size_regression`. By
    the rule of sizes, points lie in the upper right and in the lower left.
    """
    known = cells.dropna(subset=["t", "size_ratio"])
    if known.empty:
        return message_figure("Nothing to show:\nno cell has a test and two sizes.")
    figure = new_figure(ONE_COLUMN, 0.9 * ONE_COLUMN)
    axes = figure.add_subplot()
    for number, which in enumerate((MIX, CHAIN, NEITHER)):
        own = known[known["better"] == which]
        axes.plot(
            np.log10(own["size_ratio"]),
            own["t"],
            MARKERS[number],
            color=MUTED if which == NEITHER else _FOUND[which],
            markeredgewidth=0,
            label=_NAMES[which],
        )
    _draw_lines(axes, regression, np.log10(known["size_ratio"]))
    axes.axhline(0, color=MUTED, linewidth=0.4)
    axes.axvline(0, color=MUTED, linewidth=0.4)
    axes.set_xlabel("log10 (supporting task's examples / target's)")
    axes.set_ylabel(f"t of {cells['arm'].iloc[0]} − {cells['against'].iloc[0]}")
    figure.legend(loc="outside upper center", ncols=2, handletextpad=0.4)
    return figure


def _draw_lines(axes: Axes, regression: pd.DataFrame, across: pd.Series[float]) -> None:
    ends = np.array([across.min(), across.max()])
    for dashes, (_, line) in zip(("-", "--"), regression.iterrows(), strict=False):
        if pd.notna(line["slope"]):
            axes.plot(
                ends,
                line["intercept"] + line["slope"] * ends,
                dashes,
                color=COLOURS[7],
                linewidth=0.8,
                label=f"{line['cells']}: slope {line['slope']:+.2f}",
            )


def draw_all_tasks(runs: pd.DataFrame, options: Options) -> Figure:
    """Draw the scores of arms without a source as boxes, a row per task.

    runs: after `flag_degenerate`; all that have a score.
    """
    alone = _alone(runs)
    arms, tasks = in_order(alone["arm"]), in_order(alone["task"])
    if len(arms) < 2:
        return message_figure("Nothing to show:\nthe study has no arm over all tasks.")
    figure = new_figure(TWO_COLUMNS, min(PAGE_HEIGHT, 0.9 + BOX_HEIGHT * len(tasks)))
    axes = figure.add_subplot()
    groups = {
        arm: [
            alone.loc[(alone[["arm", "task"]] == [arm, task]).all(axis=1), "points"].to_numpy()
            for task in tasks
        ]
        for arm in arms
    }
    draw_boxes(axes, list(map(options.title, tasks)), groups)
    axes.set_xlabel(f"score, points ({QUARTILES})")
    figure.legend(patches_of(arms), arms, loc="outside upper center", ncols=4)
    return figure


def _alone(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the target runs of arms without a source, with their score in points."""
    scored = runs[(runs["role"] == "target") & runs["score"].notna() & (runs["source"] == "none")]
    return scored.assign(points=100 * scored["score"])


def draw_size_panels(curves: pd.DataFrame, options: Options) -> Figure:
    """Draw transfer over the size of the supporting data: a panel per source, a line per arm.

    curves: the table of `size_curves.size_curves`, of target tasks. Bars are its intervals.
    """
    known = curves[(curves["role"] == "target")].dropna(subset=["train_examples", "delta"])
    first = known.groupby("arm")["against"].transform("first")
    known = known[known["against"] == first]
    sources, arms = in_order(known["source"]), in_order(known["arm"])
    if len(arms) < 2:
        return message_figure("Nothing to show:\nno source of several sizes has two arms.")
    figure = new_figure(TWO_COLUMNS if len(sources) > 1 else ONE_COLUMN, _PANEL_HEIGHT)
    panels = figure.subplots(1, len(sources), squeeze=False, sharey=True)[0]
    for axes, source in zip(panels, sources, strict=True):
        for number, arm in enumerate(arms):
            own = known[(known["source"] == source) & (known["arm"] == arm)]
            axes.errorbar(
                own["train_examples"],
                own["delta"],
                yerr=[own["delta"] - own["ci_low"], own["ci_high"] - own["delta"]],
                color=COLOURS[2 * number],
                marker=MARKERS[number],
                elinewidth=0.6,
                capsize=1.5,
                label=arm,
            )
        axes.axhline(0, color=MUTED, linewidth=0.5)
        axes.set_xscale("log")
        axes.set_title(fitted(options.title(source), 2.0))
        mark_sizes(axes, known["train_examples"])
    percent = f"{100 * (1 - options.statistics.alpha):g} %"
    panels[0].set_ylabel(f"difference from {first.iloc[0]}, points ({percent})")
    figure.supxlabel("training examples of the supporting task", size=7)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


_PANEL_HEIGHT = 2.4
