"""Mixing against chaining (Weller et al. 2022): which is better, and whether sizes predict it."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from interlude.analysis.mix_or_chain import CHAIN, MIX, NEITHER
from interlude.analysis.options import Options
from interlude.analysis.results import in_order, sources_in_order
from interlude.figures.boxes import BOX_HEIGHT, QUARTILES, draw_boxes, patches_of
from interlude.figures.grid import (
    MOST_NUMBERS,
    Cells,
    add_bar,
    arranged,
    difference_scale,
    draw_cells,
)
from interlude.figures.labels import signed
from interlude.figures.panels import mark_sizes
from interlude.figures.size_curves import APART
from interlude.figures.small import small_panels
from interlude.figures.style import (
    COLOURS,
    DIVERGING,
    MARKERS,
    MUTED,
    ONE_COLUMN,
    PAGE_HEIGHT,
    TWO_COLUMNS,
    UNKNOWN,
    message_figure,
    new_figure,
)

_COLOUR_OF = {CHAIN: COLOURS[1], NEITHER: "white", MIX: COLOURS[5]}
_NOTHING = "Nothing to show:\nno cell of mixing has one of chaining beside it."
_LIMIT = 10.0  # a larger difference has the colour of this one; in points


def draw_mix_or_chain(cells: pd.DataFrame, options: Options) -> Figure:
    """Draw mixing minus chaining in points; targets as rows, supporting tasks as columns.

    cells: the table of `mix_or_chain.mix_or_chain_table`. Three colours: which is better after
    Holm's correction. A cross behind a number: the rule of sizes says the other. Bold: better by
    the paper's test. Where numbers do not fit stands the cross, else the number's sign.
    """
    if cells["delta"].isna().all():
        return message_figure(_NOTHING)
    numbers = {CHAIN: -1.0, NEITHER: 0.0, MIX: 1.0}
    groups = {
        str(role): _grid(
            own.assign(
                value=own["better"].map(numbers).astype(float),
                text=own["delta"].map(signed) + _crosses(own),
                sign=_crosses(own).where(_crosses(own) != "", own["delta"].map(signed).str[:1]),
                bold=own["better_published"].isin([MIX, CHAIN]),
                untested=own["delta"].notna() & own["p"].isna(),
            )
        )
        for role, own in cells.groupby("role", sort=False)
    }
    few = cells["source"].nunique() <= MOST_NUMBERS
    names = {MIX: cells["arm"].iloc[0], CHAIN: cells["against"].iloc[0]}
    below = [
        f"{names[MIX]} minus {names[CHAIN]}, {'points' if few else 'its sign'}",
        "×: the rule of sizes says the other",
        "bold: significant by the paper's test",
        *_legend_of(cells, "delta", "p"),
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
        [Patch(facecolor=_COLOUR_OF[which], edgecolor=MUTED, linewidth=0.4) for which in labels],
        list(labels.values()),
        loc="outside upper center",
        ncols=3 if width > _WIDE else 1,
    )
    bounds = BoundaryNorm([-1.5, -0.5, 0.5, 1.5], 3)
    draw_cells(parts, ListedColormap(list(_COLOUR_OF.values())), bounds, between=UNKNOWN)
    return figure


_WIDE = 4.5  # inches, of a figure with room for three entries of the legend in a line
_TWO_LINES = 0.4  # inches, of the entries that stand below the first one elsewhere
_NAMES = {
    MIX: "mixing is better",
    CHAIN: "chaining is better",
    NEITHER: "not significant",
}


def _crosses(cells: pd.DataFrame) -> pd.Series[str]:
    """Return a cross for each cell of which the rule of sizes says the other."""
    return cells["right"].eq(False).fillna(False).map({True: "×", False: ""})


def draw_better_than_single(cells: pd.DataFrame, options: Options) -> Figure:
    """Draw the better of mixing and chaining minus the target alone, in points.

    cells: as for `draw_mix_or_chain`. Bold with a star: survives Holm's correction. The letter says
    which of the two it is; it stands alone where numbers do not fit.
    """
    if cells["best_delta"].isna().all():
        return message_figure("Nothing to show:\nno cell has the target alone beside it.")
    letters = {cells["arm"].iloc[0]: "m", cells["against"].iloc[0]: "c"}
    significant = cells["best_p_holm"] < options.statistics.alpha
    stars = significant.map({True: "*", False: ""})
    which = cells["best"].map(letters).where(cells["best_delta"].notna()).fillna("")
    text = cells["best_delta"].map(signed) + stars + " " + which
    untested = cells["best_delta"].notna() & cells["best_p"].isna()
    shown = cells.assign(value=cells["best_delta"], text=text.str.strip(), bold=significant)
    shown = shown.assign(untested=untested, sign=which)
    groups = {str(role): _grid(own) for role, own in shown.groupby("role", sort=False)}
    better = f"better of {' (m) and '.join(letters)} (c) minus the target alone"
    star = "*" if cells["source"].nunique() <= MOST_NUMBERS else "bold"
    below = [better, f"{star}: survives Holm's correction"]
    below += _legend_of(cells, "best_delta", "best_p")
    figure, parts = arranged(groups, options.title, below=below)
    noise = cells["best_p"] >= options.statistics.alpha
    scale = difference_scale(cells["best_delta"], noise, _LIMIT)
    colours = matplotlib.colormaps[DIVERGING]
    add_bar(parts, scale, colours, "difference, points")
    draw_cells(parts, colours, scale)
    return figure


def _legend_of(cells: pd.DataFrame, delta: str, p: str) -> list[str]:
    """Return the legend of cells without a test, and of those without a difference."""
    marks = {
        "hatched: a difference without a test": cells[delta].notna() & cells[p].isna(),
        "grey: no result": cells[delta].isna(),
    }
    return [mark for mark, of in marks.items() if of.any()]


def _grid(cells: pd.DataFrame) -> Cells:
    """Return columns value, text, bold, sign and untested as grids of tasks and sources."""
    tasks, sources = in_order(cells["task"]), sources_in_order(cells)
    placed = cells.set_index(["task", "source"])
    index = pd.MultiIndex.from_product([tasks, sources])
    values, texts, bold, signs, untested = (
        placed[name].reindex(index).unstack()[sources].loc[tasks]
        for name in ("value", "text", "bold", "sign", "untested")
    )
    bold, untested = (of.fillna(False).astype(bool) for of in (bold, untested))
    return Cells(values.astype(float), texts.fillna(""), bold, signs.fillna(""), untested)


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
            color=MUTED if which == NEITHER else _COLOUR_OF[which],
            markeredgewidth=0,
            alpha=0.6,
            label=_NAMES[which],
        )
    _draw_lines(axes, regression, np.log10(known["size_ratio"]))
    axes.axhline(0, color=MUTED, linewidth=0.4)
    axes.axvline(0, color=MUTED, linewidth=0.4)
    axes.xaxis.set_major_locator(MaxNLocator(5))
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
    titles = list(map(options.title, sources))
    figure, panels = small_panels(titles, _PANEL_HEIGHT, len(arms))
    for axes, source in zip(panels, sources, strict=True):
        axes.sharey(panels[0])
        for number, arm in enumerate(arms):
            own = known[(known["source"] == source) & (known["arm"] == arm)]
            axes.errorbar(
                own["train_examples"] * APART ** (number - (len(arms) - 1) / 2),
                own["delta"],
                yerr=[own["delta"] - own["ci_low"], own["ci_high"] - own["delta"]],
                color=COLOURS[2 * number % len(COLOURS)],
                marker=MARKERS[number % len(MARKERS)],
                elinewidth=0.6,
                capsize=1.5,
                label=arm,
            )
        axes.axhline(0, color=MUTED, linewidth=0.5)
        axes.set_xscale("log")
        mark_sizes(axes, known["train_examples"])
    percent = f"{100 * (1 - options.statistics.alpha):g} %"
    figure.supylabel(f"difference from {first.iloc[0]}, points ({percent})", size=7)
    figure.supxlabel("training examples of the supporting task", size=7)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


_PANEL_HEIGHT = 1.8
