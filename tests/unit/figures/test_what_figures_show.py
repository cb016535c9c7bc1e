"""Every figure shows its table: what was drawn is read back and compared with the numbers.

The tables are random numbers, so that no two columns, rows or groups can stand for one another.
"""

from __future__ import annotations

import inspect
import itertools
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import matplotlib
import numpy as np
import pandas as pd
import pytest
from helpers import methods
from helpers.forgetting import FORGETTING_OPTIONS, forgetting_study
from helpers.grids import POINTS, grid_runs
from helpers.mixing import DIRECT, MIXING_OPTIONS, SIZES, mixing_runs
from helpers.shown import (
    across,
    bar_of_colours,
    bars,
    cells,
    contrast,
    down,
    legend,
    legend_of_bars,
    limits,
    lines,
    look,
    marks,
    names,
    same,
    segments,
)
from helpers.synthetic import TITLES, demo_options, demo_runs, record, runs_of, sized_runs
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import AxLine
from matplotlib.text import Text

from interlude import figures
from interlude.analysis.catalog import FIGURES
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.forgetting import COLUMNS as FORGETTING
from interlude.analysis.options import Options
from interlude.analysis.stability import BEST_COLUMNS, expected_best, trials_of
from interlude.analysis.study_tables import study_tables
from interlude.figures.answer import draw_answer
from interlude.figures.gallery import DRAWN, Material, draw_figures
from interlude.figures.grid import ink
from interlude.figures.panels import draw_comparison, draw_detectable
from interlude.figures.style import save, style

SOURCES = ["sarcasm", "social-iqa", "privacy-qa"]  # neither these nor the tasks are sorted
TASKS = {
    "target": ["boolq", "finance-ner", "disfl-qa"],
    "probing": ["word-content", "bigram-shift"],
}
# The colours and markers of the roles, wherever points are drawn by role.
ROLES = {"target": ("#0072b2", "o"), "probing": ("#e69f00", "^")}
Drawing = Callable[..., Figure]


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with style():
        yield


@pytest.fixture
def draw(tmp_path: Path) -> Drawing:
    """Draw a figure of the gallery from runs, and from no other tables than the given ones."""

    def drawn(name: str, runs: pd.DataFrame | None = None, **tables: pd.DataFrame) -> Figure:
        suffix = "_unfiltered" if FIGURES[name].twice else ""
        for table, content in tables.items():
            of_contrast(content).to_csv(tmp_path / f"{table}{suffix}.csv", index=False)
        options = demo_options()
        figure = DRAWN[name](Material(runs, tmp_path, options, suffix, options.main))
        figure.draw_without_rendering()
        return figure

    return drawn


def of_contrast(table: pd.DataFrame) -> pd.DataFrame:
    """A table of differences with the arms of the demo's only contrast."""
    if not {"delta", "mu", "delta_all_outcomes"} & {*table} or "arm" in table:
        return table
    return table.assign(arm="stilts", against="single", baseline_source="none")


def test_every_figure_has_a_test() -> None:
    ending = "_shows_its_table"
    tested = {name.removeprefix("test_") for name in globals() if name.endswith(ending)}
    assert {name.removesuffix(ending) for name in tested} == {*FIGURES, "comparison"}
    modules = [
        import_module(f"{figures.__name__}.{module.name}")
        for module in pkgutil.iter_modules(figures.__path__)
    ]
    functions = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("draw_") and get_type_hints(function)["return"] is Figure
    }
    beside_the_catalog = {draw_answer}  # its test is in test_answer.py
    assert len(functions - beside_the_catalog) == len(tested)


# Grids of cells


def transfer() -> pd.DataFrame:
    """A transfer table of 3 sources and 5 tasks, with each kind of mark.

    Among its cells: one beyond the scale of colours, one without a score, one that rounds to 0, one
    that survives one correction only, and one of which a run is missing.
    """
    noise = np.random.default_rng(5)
    table = pd.DataFrame(keys(), columns=["role", "task", "source"])
    for column in ("mean", "delta", "ci_low", "ci_high", "detectable", "sd", "baseline_sd"):
        table[column] = noise.normal(0, 12, len(table))
    table["detectable"] = table["detectable"].abs()
    table["detectable_holm"] = table["detectable"] * noise.uniform(1, 4, len(table))
    tasks = table["task"].unique()
    table["baseline"] = table["task"].map(
        dict(zip(tasks, noise.uniform(30, 90, len(tasks)), strict=True))
    )
    table["p"] = table["p_fdr"] = table["p_holm"] = 0.2
    table.loc[[1, 3, 8, 11], ["p", "p_fdr", "p_holm"]] = 0.01
    table.loc[[2, 7], ["p", "p_fdr"]] = 0.02
    table = table.assign(n=4, n_restarts=4, n_planned=4, note="", n_degenerate=0)
    table = table.assign(baseline_n=4, baseline_n_planned=4, baseline_n_degenerate=0)
    table.loc[1, "delta"] = 45.2
    table.loc[13, ["p", "p_fdr", "p_holm"]] = np.nan
    table.loc[13, "note"] = "fewer than 2 runs on a side"
    table.loc[4, ["delta", "p", "p_fdr", "p_holm"]] = np.nan
    table.loc[4, ["detectable", "detectable_holm"]] = np.nan
    table.loc[4, "note"] = "no runs left; its source did not learn"
    table.loc[5, "delta"] = -0.04
    table.loc[[0, 4, 9, 14], "n_restarts"] = [2, 0, 3, 2]
    table.loc[[9, 11], "n_degenerate"] = [1, 2]
    table.loc[[6, 7, 8], ["baseline_n", "baseline_n_degenerate"]] = [3, 1]
    return table


def keys() -> list[tuple[str, str, str]]:
    return [
        (role, task, source)
        for role, tasks in TASKS.items()
        for task, source in itertools.product(tasks, SOURCES)
    ]


def signed(difference: float) -> str:
    if pd.isna(difference):
        return ""
    return "0.0" if abs(difference) < 0.05 else f"{difference:+.1f}".replace("-", "−")


def limit_of(delta: pd.Series, p: pd.Series, most: float) -> float:
    """Where a scale ends: differences that no test tells from 0 take up to half of it."""
    return max(1.0, min(most, delta.abs().max()), 2 * delta[p >= 0.05].abs().max())


def blue_for_gain(value: float, limit: float) -> str:
    """The colour of a value between red for -limit, a light middle, and blue for limit."""
    if pd.isna(value):
        return "#e8e8e8"
    place = (np.clip(value, -limit, limit) + limit) / (2 * limit)
    return to_hex(matplotlib.colormaps["RdBu"](float(place)))


def grids(figure: Figure) -> dict[str, Axes]:
    """The panels of a figure of cells, by the name of their rows, top first; not the colour bar."""
    panels = {axes.get_ylabel().replace("\n", " "): axes for axes in figure.axes[:-1]}
    places = [axes.get_position() for axes in panels.values()]
    assert len({(round(place.x0, 6), round(place.x1, 6)) for place in places}) == 1
    assert [place.y0 for place in places] == sorted((place.y0 for place in places), reverse=True)
    return panels


def all_cells(panels: dict[str, Axes]) -> pd.DataFrame:
    """The cells of all panels, under the names of the columns of the first; with their panel."""
    first = next(iter(panels.values()))
    return pd.concat([cells(axes, first).assign(panel=name) for name, axes in panels.items()])


def test_heatmap_shows_its_table(draw: Drawing) -> None:
    table = transfer()
    limit = limit_of(table["delta"], table["p"], 30)
    panels = grids(draw("heatmap", transfer=table))
    assert list(panels) == ["target tasks", "probing tasks"]
    target, probing = panels.values()
    assert across(target) == ["Sarcasm", "SocialIQA", "PrivacyQA", "baseline"]
    assert down(target) == ["BoolQ", "FinanceNER", "DisflQA", "average of 2"]
    assert down(probing) == ["WC", "BShift"]

    entries = table.assign(
        panel=table["role"] + " tasks",
        row=table["task"].map(TITLES),
        column=table["source"].map(TITLES),
        colour=table["delta"].map(lambda delta: blue_for_gain(delta, limit)),
        text=table["delta"].map(signed) + np.where(table["p_holm"] < 0.05, "*", ""),
        bold=table["p_fdr"] < 0.05,
        hatched=table["p"].isna() & table["delta"].notna(),
    )
    assert entries["hatched"].sum() == 1
    columns = ["panel", "row", "column", "colour", "text", "bold", "hatched"]
    shown = all_cells(panels)
    of_sources = (shown["column"] != "baseline") & (shown["row"] != "average of 2")
    same(shown.loc[of_sources, columns].to_numpy(), entries[columns].to_numpy())

    middle = blue_for_gain(0, limit)
    means = table.groupby(["role", "task"])["baseline"].first()
    expected = [
        (f"{role} tasks", TITLES[task], "baseline", middle, f"{mean:.1f}", False, False)
        for (role, task), mean in means.items()
    ]
    targets = table[table["role"] == "target"]
    whole = targets.groupby("task")["delta"].transform(lambda deltas: deltas.notna().all())
    assert set(targets["task"][~whole]) == {"finance-ner"}
    common = [task for task in TASKS["target"] if task != "finance-ner"]
    over_tasks = targets[whole].groupby("source")["delta"].mean()
    expected += [
        (
            "target tasks",
            "average of 2",
            TITLES[at],
            blue_for_gain(mean, limit),
            signed(mean),
            False,
            False,
        )
        for at, mean in over_tasks.items()
    ]
    average = f"{means['target'][common].mean():.1f}"
    expected += [("target tasks", "average of 2", "baseline", middle, average, False, False)]
    same(shown.loc[~of_sources, columns].to_numpy(), expected)
    assert min(map(contrast, shown["ink"], shown["colour"])) > 3


def test_marks_of_the_heatmap_stand_in_the_cells_that_they_are_of(draw: Drawing) -> None:
    table = transfer()
    panels = grids(draw("heatmap", transfer=table))
    columns = names(panels["target tasks"].xaxis)
    shown: dict[str, list[object]] = {".": [], "x": []}
    colours = all_cells(panels).set_index(["panel", "row", "column"])["colour"]
    for role, axes in panels.items():
        rows = names(axes.yaxis)
        for mark in marks(axes).itertuples():
            cell = (role, rows[np.floor(mark.y) + 0.5], columns[np.floor(mark.x) + 0.5])
            shown[mark.marker].append(cell)
            assert contrast(mark.colour, colours[cell]) > 3
            assert mark.x % 1 > 0.85 if mark.marker == "." else mark.x % 1 < 0.15
            assert mark.y % 1 < 0.25  # upper corners: rows count downwards
    fewer = table["n_restarts"] < table["n_planned"]
    fewer |= table["baseline_n"] < table["baseline_n_planned"]
    bad = table["n_degenerate"] + table["baseline_n_degenerate"] > 0
    lost = table["baseline_n"] < table["baseline_n_planned"]
    without = table["baseline_n_degenerate"] > 0
    for marker, marked, its in ((".", fewer, lost), ("x", bad, without)):
        baselines = table[its].drop_duplicates("task").assign(source="baseline")
        assert len(baselines) == 1
        entries = pd.concat([table[marked], baselines])
        named = (
            entries["task"].map(TITLES),
            entries["source"].map({**TITLES, "baseline": "baseline"}),
        )
        same(shown[marker], zip(entries["role"] + " tasks", *named, strict=True))


def test_the_heatmap_explains_the_marks_it_has(draw: Drawing) -> None:
    table = transfer()
    marked = {
        "* survives Holm's correction within its role",
        "bold: survives Benjamini–Hochberg's",
        "dot: not all planned runs count",
        "×: degenerate runs, its own or its baseline's",
        "hatched: a difference without a test",
        "grey: no difference",
        "1 of 15 cells have no test: no runs left",
        "1 of 15 cells have no test: fewer than 2 runs on a side",
    }
    assert parts_below(draw("heatmap", transfer=table)) == marked
    plain = table.dropna().assign(p_holm=0.1, p_fdr=0.1, n_restarts=4, baseline_n=4)
    plain = plain.assign(n_degenerate=0, baseline_n_degenerate=0)
    assert draw("heatmap", transfer=plain).get_supxlabel() == ""


@pytest.mark.parametrize(
    ("factor", "limit", "ends"),
    [(1.0, 30.0, "max"), (0.1, 4.52, "neither"), (0.001, 1.0, "neither")],
)
def test_the_scale_of_the_heatmap_reaches_to_its_largest_difference(
    draw: Drawing, factor: float, limit: float, ends: str
) -> None:
    table = transfer()
    noisy = table["p"] >= 0.05
    table["delta"] = table["delta"].where(~noisy, table["delta"].clip(-14, 14)).clip(lower=-29)
    figure = draw("heatmap", transfer=table.assign(delta=table["delta"] * factor))
    bar = figure.axes[-1]
    assert bar.get_ylabel() == "difference from\nbaseline, points"
    assert bar._colorbar.extend == ends
    assert bar.get_ylim() == pytest.approx((-limit, limit))
    shown = bar_of_colours(bar)
    assert len(shown) == 256
    assert all(colour == blue_for_gain(at, limit) for at, colour in shown.items())
    boolq = cells(figure.axes[0], figure.axes[0]).set_index(["row", "column"])
    expected = blue_for_gain(table["delta"][1] * factor, limit)
    assert boolq.loc[("BoolQ", "SocialIQA"), "colour"] == expected


def test_a_difference_inside_the_noise_takes_half_of_the_scale_of_the_heatmap(
    draw: Drawing,
) -> None:
    alone = transfer().loc[[1]].assign(delta=3.5, p=0.47, p_holm=0.47, p_fdr=0.47)
    assert draw("heatmap", transfer=alone).axes[-1].get_ylim() == pytest.approx((-7, 7))
    # Without a test, but smaller than what one could have found.
    untested = alone.assign(p=np.nan, p_holm=np.nan, p_fdr=np.nan, detectable=4.0, note="why")
    assert draw("heatmap", transfer=untested).axes[-1].get_ylim() == pytest.approx((-7, 7))
    sure = alone.assign(p=0.001)
    assert draw("heatmap", transfer=sure).axes[-1].get_ylim() == pytest.approx((-3.5, 3.5))


def test_numbers_and_marks_can_be_read_on_every_colour() -> None:
    colours, scale = matplotlib.colormaps["RdBu"], Normalize(-1, 1)
    for value in np.linspace(-1, 1, 101):
        assert contrast(to_hex(ink(value, colours, scale)), to_hex(colours(scale(value)))) > 4


def pairs() -> pd.DataFrame:
    """Correlations of every pair of tasks, symmetric, some of them missing."""
    tasks = [(role, task) for role in TASKS for task in TASKS[role]]
    noise = np.random.default_rng(6)
    table = pd.DataFrame(
        [(*one, *other) for one, other in itertools.product(tasks, tasks)],
        columns=["role_a", "task_a", "role_b", "task_b"],
    )
    for column in ("spearman", "pearson", "p", "p_holm"):
        square = np.triu(noise.uniform(-1, 1, (len(tasks), len(tasks))))
        table[column] = (square + np.triu(square, 1).T).ravel()
    gone = (table["task_a"] == "bigram-shift") ^ (table["task_b"] == "bigram-shift")
    lost = gone & (table["task_a"] + table["task_b"]).str.contains("boolq")
    table.loc[lost, ["spearman", "pearson"]] = np.nan
    table["n"] = noise.integers(5, 12, len(table))
    itself = table["task_a"] == table["task_b"]
    table["n_means"] = noise.integers(3, 5, len(table))
    table["holm_significant"] = (table["p_holm"].abs() < 0.5) & ~itself & ~lost
    table["holm_significant_means"] = (table["p"].abs() < 0.6) & ~itself & ~lost
    # Of some of those that are not significant, the means have no test.
    tested = table["holm_significant_means"] | (table.index % 2 == 0)
    table["p_means"] = table["p"].abs().where(tested & ~itself)
    return table


def coefficient(rho: float) -> str:
    if pd.isna(rho):
        return ""
    return f"{rho:.2f}".replace("-0", "-").replace("-", "−").removeprefix("0")


def test_correlations_shows_its_table(draw: Drawing) -> None:
    table = pairs().query("role_a == 'target'")
    # No symmetry here: rows and columns of the block can not stand for one another.
    table = table.assign(spearman=np.where(table["spearman"].isna(), np.nan, fresh(table)))
    figure = draw("correlations", correlations=table)
    panels = grids(figure)
    assert list(panels) == ["target tasks", "probing tasks"]
    target, probing = panels.values()
    assert across(target) == down(target) == ["BoolQ", "FinanceNER", "DisflQA"]
    assert down(probing) == ["WC", "BShift"]

    surviving = table["spearman"].where(table["holm_significant_means"])
    plain = table["spearman"].notna() & surviving.isna()
    assert plain.any()
    entries = table.assign(
        panel=table["role_b"] + " tasks",
        row=table["task_b"].map(TITLES),
        column=table["task_a"].map(TITLES),
        colour=surviving.map(lambda rho: blue_for_gain(rho, 1)).mask(plain, "#ffffff"),
        text=table["spearman"].map(coefficient),
        bold=table["holm_significant"],
        hatched=plain & table["p_means"].isna() & (table["task_a"] != table["task_b"]),
    )
    assert set(entries.loc[plain, "hatched"]) == {True, False}
    columns = ["panel", "row", "column", "colour", "text", "bold", "hatched"]
    shown = all_cells(panels)
    for rule in ("holm_significant", "holm_significant_means"):
        assert table[rule].sum() in range(3, 10)
    assert (table["holm_significant"] != table["holm_significant_means"]).any()
    same(shown[columns].to_numpy(), entries[columns].to_numpy())
    assert min(map(contrast, shown["ink"], shown["colour"])) > 3
    assert parts_below(figure) == {
        f"{table['n'].min()} to {table['n'].max()} encoders of 3 to 4 sources",
        "colour: survives Holm's correction on the sources' means",
        "bold: the paper's rule, restarts as encoders",
        "hatched: too few sources for a test of their means",
        "grey: no correlation",
    }
    assert_scale_of_correlations(figure.axes[-1])


def parts_below(figure: Figure) -> set[str]:
    return {part for line in figure.get_supxlabel().split("\n") for part in line.split("    ")}


def fresh(table: pd.DataFrame) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1, 1, len(table))


def assert_scale_of_correlations(bar: Axes) -> None:
    assert bar.get_ylabel() == "correlation"
    assert bar.get_ylim() == (-1, 1)
    assert all(colour == blue_for_gain(at, 1) for at, colour in bar_of_colours(bar).items())


def test_correlations_all_shows_its_table(draw: Drawing) -> None:
    table = pairs().assign(n=9, n_means=[2, 7, 7, 7, 7, 2, 2, 7, 7, 7, *[7] * 15])
    figure = draw("correlations_all", correlations_all=table)
    panels = grids(figure)
    assert list(panels) == ["target tasks", "probing tasks"]
    order = [TITLES[task] for tasks in TASKS.values() for task in tasks]
    assert across(panels["target tasks"]) == order
    assert down(panels["target tasks"]) + down(panels["probing tasks"]) == order

    entries = table.assign(row=table["task_a"].map(TITLES), column=table["task_b"].map(TITLES))
    place = {name: number for number, name in enumerate(order)}
    below = entries["row"].map(place) > entries["column"].map(place)
    value = entries["spearman"].where(below, entries["pearson"])
    itself = entries["row"] == entries["column"]
    # Of seven points, a correlation of .7545 has p = .05 (any table of Pearson's r, 5 degrees).
    noise = value.notna() & ((value.abs() < 0.7545) | (entries["n_means"] < 3))
    assert set(noise[~itself]) == {True, False}
    entries = entries.assign(
        panel=entries["role_a"] + " tasks",
        colour=value.map(lambda rho: blue_for_gain(rho, 1)).mask(itself | noise, "#ffffff"),
        text=value.map(coefficient),
        hatched=value.notna() & ~itself & (entries["n_means"] < 3),
    )
    assert entries["hatched"].any()
    columns = ["panel", "row", "column", "colour", "text", "hatched"]
    same(all_cells(panels)[columns].to_numpy(), entries[columns].to_numpy())
    assert parts_below(figure) == {
        "9 encoders of 2 to 7 sources",
        "below the diagonal Spearman, above it Pearson",
        "colour: p < 0.05 for as many points as sources",
        "hatched: fewer than 3 sources",
        "grey: no correlation",
    }
    assert_scale_of_correlations(figure.axes[-1])


# Panels


def test_detectable_shows_its_table(draw: Drawing) -> None:
    table = transfer()
    table.loc[6, ["delta", "detectable"]] = [0.001, 0.002]  # too small for the scale
    figure = draw("detectable", transfer=table)
    entries = table.dropna(subset=["delta", "detectable"])
    looks = {
        "delta": ("#6b6b6b", "|"),
        "detectable": ("#0072b2", "o"),
        "detectable_holm": ("#d55e00", "D"),
    }
    for role, axes in zip(TASKS, figure.axes, strict=True):
        cells_of = entries[entries["role"] == role]
        order = cells_of.groupby("task")["detectable"].median().sort_values()
        assert down(axes) == [TITLES[task] for task in order.index]  # the least on top
        rows = names(axes.yaxis)
        expected = [
            (max(abs(cell[column]), 0.03), TITLES[cell["task"]], *its)
            for _, cell in cells_of.iterrows()
            for column, its in looks.items()
        ]
        shown = [
            (float(x), rows[float(y)], to_hex(line.get_color()), line.get_marker())
            for line in axes.lines
            for x, y in zip(*line.get_data(), strict=True)
        ]
        same(shown, expected)
        seen = limits(axes)
        assert seen.count_contains([(x, 0.5) for x, *_ in shown]) == len(shown)
        inside = int((cells_of["delta"].abs() < cells_of["detectable"]).sum())
        title = f"{role} tasks\n{inside} of {len(cells_of)} inside the noise"
        assert axes.get_title() == title
        assert axes.get_xscale() == "log"
    (box,) = figure.legends
    assert [text.get_text() for text in box.get_texts()] == [
        "measured difference",
        "detectable by itself, at 0.05",
        "detectable as the first of its role (Holm)",
    ]
    under = "difference without its sign, points (below 0.03: at the edge)"
    assert figure.get_supxlabel() == under


def averages() -> pd.DataFrame:
    """Mean transfer of four sources, some of them without success on some task."""
    noise = np.random.default_rng(8)
    table = pd.DataFrame(
        list(itertools.product([*SOURCES, "boolq"], TASKS)), columns=["source", "role"]
    )
    means = ("delta_all_outcomes", "delta_given_success", "common_all_outcomes")
    for column in means:
        table[column] = noise.normal(0, 3, len(table))
    table["disagreement"] = ["", "sign", "", "", "order", "", "sign, order", ""]
    table = table.assign(tasks_all_outcomes=5, tasks_given_success=5, common_tasks=5)
    table.loc[[1, 4], "common_tasks"] = [3, 4]
    table.loc[3, ["delta_given_success", "common_all_outcomes"]] = np.nan
    table.loc[3, "common_tasks"] = 0
    return table


def intervals() -> pd.DataFrame:
    """Intervals of the same sources, in another order; of one neither is known."""
    noise = np.random.default_rng(10)
    table = averages()[["source", "role"]].iloc[::-1].reset_index(drop=True)
    bounds = ["random_low", "fixed_low", "fixed_high", "random_high"]
    table[bounds] = np.sort(noise.normal(0, 4, (len(table), 4)), axis=1)
    table.loc[2, bounds] = np.nan
    return table


def test_averages_shows_its_table(draw: Drawing) -> None:
    table, ranked = averages(), intervals()
    few = table["common_tasks"] < 5
    table["name"] = table["source"].map(TITLES)
    table["name"] += np.where(table["disagreement"] == "", "", "‡")
    table.loc[few, "name"] += " (" + table.loc[few, "common_tasks"].astype(str) + " of 5)"
    figure = draw("averages", averages_by_filter=table, averages_unfiltered=ranked)
    assert [axes.get_title() for axes in figure.axes] == ["target tasks", "probing tasks"]
    looks = {
        "delta_all_outcomes": ("#d55e00", "o"),
        "common_all_outcomes": ("#d55e00", "o"),
        "delta_given_success": ("#0072b2", "D"),
    }
    for role, axes in zip(TASKS, figure.axes, strict=True):
        entries = table[table["role"] == role]
        assert down(axes) == entries["name"].tolist()  # best first, as in the table
        rows = names(axes.yaxis)
        shown = marks(axes).assign(row=lambda of, rows=rows: of["y"].map(rows)).dropna()
        expected = [
            (of[delta], of["name"], *looks[delta])
            for _, of in entries.iterrows()
            for delta in looks
            if pd.notna(of[delta]) and (delta != "common_all_outcomes" or of["common_tasks"] < 5)
        ]
        same(shown[["x", "row", "colour", "marker"]].to_numpy(), expected)
        ends = [
            (rows[float(round(start[1] + 0.01))], start[0], end[0]) for start, end in segments(axes)
        ]
        both = entries.dropna()
        deltas = both["delta_all_outcomes"], both["delta_given_success"]
        joins = list(zip(both["name"], *deltas, strict=True))
        known = entries.merge(ranked, on=["role", "source"]).dropna(subset="fixed_low")
        for kind in ("fixed", "random"):
            bounds = known[f"{kind}_low"], known[f"{kind}_high"]
            joins += zip(known["name"], *bounds, strict=True)
        same([end for end in ends if not np.isnan(end[1])], joins)
        (zero,) = lines(axes)
        assert list(zero.get_xdata()) == [0, 0]
        assert limits(axes).count_contains(shown[["x", "y"]].to_numpy()) == len(shown)
    mark = "‡ all outcomes and success disagree in sign or order"
    assert figure.get_supxlabel() == f"mean difference from baseline, points    {mark}"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "all outcomes, 95 % for other restarts",
        "all outcomes, 95 % for other tasks",
        "all outcomes",
        "all outcomes, on these tasks",
        "given success (without degenerate runs)",
    ]


def pooled() -> pd.DataFrame:
    """Estimates of two sources in either role, best first, and of one without an estimate."""
    noise = np.random.default_rng(9)
    table = pd.DataFrame(list(itertools.product(TASKS, SOURCES)), columns=["role", "source"])
    bounds = np.sort(noise.normal(0, 6, (len(table), 5)), axis=1)
    table[["new_low", "ci_low", "mu", "ci_high", "new_high"]] = bounds
    table["delta"] = noise.normal(0, 3, len(table))
    table["p_new"] = noise.uniform(0, 1, len(table))
    table.loc[2, ["new_low", "ci_low", "mu", "ci_high", "new_high", "p_new"]] = np.nan
    return table


def test_pooled_shows_its_table(draw: Drawing) -> None:
    table = pooled()
    figure = draw("pooled", pooled=table)
    assert [axes.get_title() for axes in figure.axes] == ["target tasks", "probing tasks"]
    for role, axes in zip(TASKS, figure.axes, strict=True):
        entries = table[table["role"] == role].assign(row=lambda of: of["source"].map(TITLES))
        assert down(axes) == entries["row"].tolist()
        rows = names(axes.yaxis)
        ends = [(rows[start[1]], start[0], end[0]) for start, end in segments(axes)]
        known = entries.dropna()
        intervals = [known[["row", f"{name}_low", f"{name}_high"]] for name in ("new", "ci")]
        same([end for end in ends if not np.isnan(end[1])], np.concatenate(intervals))
        shown = marks(axes).assign(row=lambda of, rows=rows: of["y"].map(rows)).dropna()
        looks = {"mu": ("#0072b2", "o"), "delta": ("#d55e00", "D")}
        expected = [
            (of[name], of["row"], *looks[name])
            for _, of in entries.iterrows()
            for name in looks
            if pd.notna(of[name])
        ]
        same(shown[["x", "row", "colour", "marker"]].to_numpy(), expected)
        (beside,) = axes.child_axes
        assert [text.get_text() for text in axes.texts] == ["P(new > 0)"]
        chances = ["?" if pd.isna(p) else f"{p:.2f}" for p in entries["p_new"]]
        assert [label.get_text() for label in beside.get_yticklabels()] == chances
        assert limits(axes).count_contains(shown[["x", "y"]].to_numpy()) == len(shown)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["effect on a new task, 95 %", "mean effect, 95 %", "plain mean"]
    assert figure.get_supxlabel() == "difference from baseline, points"


def test_robustness_shows_its_table(draw: Drawing) -> None:
    table = pd.DataFrame(
        {
            "look": ["all encoders", "means of sources", "without Sarcasm"],
            "significant": [31, 1, 17],
            "sources": [9, 3, 6],
            "significant_means": [12, 1, 7],
            "target_target_means": [5, 0, 6],
            "target_probing_means": [7, 1, 1],
            "target_target_uncorrected": [9, 2, 8],
            "target_probing_uncorrected": [17, 3, 6],
            "target_target": [11, 0, 7],
            "target_probing": [20, 1, 10],
        }
    )
    figure = draw("robustness", robustness=table)
    rows = ["all encoders (9)", "means of sources (3)", "without Sarcasm (6)"]
    assert down(figure.axes[0]) == rows
    looks = {"target with target tasks": "#0072b2", "target with probing": "#e69f00"}
    assert legend_of_bars(figure) == looks
    ways = {
        "_uncorrected": "sources' means,\nuncorrected",
        "_means": "sources' means,\nHolm's correction",
        "": "restarts as encoders,\nthe paper's rule (Holm)",
    }
    assert [axes.get_title() for axes in figure.axes] == list(ways.values())
    for axes, way in zip(figure.axes, ways, strict=True):
        first, second = table[f"target_target{way}"], table[f"target_probing{way}"]
        blue, orange = ([colour] * len(rows) for colour in looks.values())
        expected = [
            *zip(rows, [0.0] * len(rows), first.astype(float), blue, strict=True),
            *zip(rows, first.astype(float), second.astype(float), orange, strict=True),
        ]
        same(
            bars(axes, figure.axes[0]).astype({"left": float, "width": float}).to_numpy(), expected
        )
        numbers = [(text.xy[0], text.get_text()) for text in axes.texts]
        assert numbers == [(total, f"{total}") for total in first + second]
        edge = axes.get_window_extent().x1
        assert all(text.get_window_extent().x1 <= edge for text in axes.texts)
    assert figure.get_supxlabel() == "correlated pairs of tasks    in brackets: sources"


def test_sizes_shows_its_table(draw: Drawing) -> None:
    table = pd.DataFrame(
        {
            "source": ["sarcasm", "social-iqa", "privacy-qa", "boolq", "disfl-qa"],
            "form": ["single", "choice", "pair", "pair", "span"],
            "train_examples": [300, 33_000, 1_800, 9_400, np.nan],
            "delta": [-2.5, 1.5, 0.4, 3.1, 1.0],
        }
    )
    figure = draw("sizes", sources=table)
    (axes,) = figure.axes
    entries = table.dropna()
    looks = {
        "single": ("#0072b2", "o"),
        "choice": ("#e69f00", "s"),
        "pair": ("#009e73", "^"),
    }
    expected = [
        (of["train_examples"], of["delta"], *looks[of["form"]]) for _, of in entries.iterrows()
    ]
    same(marks(axes).to_numpy(), expected)
    assert {name: entry[:2] for name, entry in legend(figure).items()} == looks
    same(
        [(text.get_text(), *map(float, text.xy)) for text in axes.texts],
        zip(
            entries["source"].map(TITLES), entries["train_examples"], entries["delta"], strict=True
        ),
    )
    for text in axes.texts:  # a name stands beside its point
        near = axes.transData.transform(text.xy)
        box = text.get_window_extent()
        assert np.hypot(*(np.clip(near, box.min, box.max) - near)) < 10
    (zero,) = lines(axes)
    assert list(zero.get_ydata()) == [0, 0]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "training examples of the intermediate task"
    assert axes.get_ylabel() == "mean difference on targets, points"
    seen = limits(axes)
    assert {label for at, label in names(axes.xaxis).items() if seen.x0 <= at <= seen.x1} == {
        *("100", "1,000", "10,000", "100,000")
    } & {f"{at:,.0f}" for at in 10.0 ** np.arange(1, 7) if seen.x0 <= at <= seen.x1}
    assert all(label in ("", f"{at:,.0f}") for at, label in names(axes.xaxis).items())


def test_comparison_shows_its_table() -> None:
    noise = np.random.default_rng(9)
    table = pd.DataFrame(keys(), columns=["role", "task", "source"]).assign(cell="both")
    for column in ("delta_own", "delta_other", "difference"):
        table[column] = noise.normal(0, 5, len(table))
    table.loc[[2, 13], "cell"] = ["own only", "other only"]
    figure = draw_comparison(table, "mine", "theirs")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    both = table[table["cell"] == "both"]
    expected = [
        (of["delta_other"], of["delta_own"], *ROLES[of["role"]]) for _, of in both.iterrows()
    ]
    shown = marks(axes)
    same(shown.to_numpy(), expected)
    counts = both.groupby("role").size()
    entries = {f"{role}: {counts[role]} cells": ROLES[role] for role in TASKS}
    assert {name: entry[:2] for name, entry in legend(figure).items()} == entries
    assert axes.get_xlabel() == "difference from baseline in theirs, points"
    assert axes.get_ylabel() == "difference from baseline in mine, points"
    seen = limits(axes)
    assert seen.count_contains(shown[["x", "y"]].to_numpy()) == len(both)
    assert seen.x1 == seen.y1 == -seen.x0 == -seen.y0
    assert sorted(
        line.get_slope() if hasattr(line, "get_slope") else 0 for line in lines(axes)
    ) == [*(0, 0, 1)]


# Curves and runs


def size_curve_points() -> pd.DataFrame:
    """Points of three curves of each role, one of them without a difference."""
    noise = np.random.default_rng(10)
    table = pd.DataFrame(
        list(itertools.product(TASKS, SOURCES, [100, 1000, 10_000])),
        columns=["role", "source", "train_examples"],
    )
    table["baseline"] = table["role"].map({"target": 61.5, "probing": 47.25})
    return with_intervals(table, noise)


def with_intervals(table: pd.DataFrame, noise: np.random.Generator) -> pd.DataFrame:
    """The table with random differences, one of them missing."""
    for column in ("delta", "p"):
        table[column] = noise.normal(0, 2, len(table))
    table["ci_low"] = table["delta"] - noise.uniform(0.1, 1, len(table))
    table["ci_high"] = table["delta"] + noise.uniform(1, 2, len(table))
    table.loc[4, "delta"] = np.nan
    return table


def test_size_curves_shows_its_table(draw: Drawing) -> None:
    table = size_curve_points()
    figure = draw("size_curves", size_curves=table)
    assert [axes.get_title() for axes in figure.axes] == ["target tasks", "probing tasks"]
    by_role = {role: table[table["role"] == role] for role in TASKS}
    looks = shows_curves(figure, list(by_role.values()))
    for axes, level in zip(figure.axes, (61.5, 47.25), strict=True):
        (scores,) = axes.child_axes  # on the right: the mean score
        low, high = axes.get_ylim()
        assert scores.get_ylim() == pytest.approx((low + level, high + level))
        assert scores.get_ylabel() == "mean score, points"
    entries = {TITLES[source]: look for source, look in looks.items()}
    assert {name: entry[:2] for name, entry in legend(figure).items()} == entries
    assert figure.get_supxlabel() == "training examples of the intermediate task"
    assert figure.axes[0].get_ylabel() == "mean difference, points"
    assert all(label in ("", f"{at:,.0f}") for at, label in names(figure.axes[0].xaxis).items())


def shows_curves(figure: Figure, panels: list[pd.DataFrame]) -> dict[str, tuple[str, str]]:
    """Hold the panels of a figure against the rows of each; return the looks of sources."""
    looks = dict(zip(SOURCES, [("#0072b2", "o"), ("#e69f00", "s"), ("#009e73", "^")], strict=True))
    for of_panel, axes in zip(panels, figure.axes, strict=True):
        entries = of_panel[of_panel["delta"].notna()]
        shown = marks(axes).assign(size=lambda of: sizes_near(of["x"]))
        same(
            shown[["size", "y", "colour", "marker"]].to_numpy(),
            [
                (float(size), delta, *looks[source])
                for source, size, delta in zip(
                    entries["source"], entries["train_examples"], entries["delta"], strict=True
                )
            ],
        )
        at = {(of.colour, of.size): of.x for of in shown.itertuples()}
        ends = {(low[0], low[1], high[1]) for low, high in segments(axes)}
        same(
            ends,
            [
                (at[looks[of.source][0], of.train_examples], of.ci_low, of.ci_high)
                for of in entries.itertuples()
            ],
        )
        for curve in axes.containers:
            assert isinstance(curve, ErrorbarContainer)
            (line, _, _) = curve.lines
            assert (np.diff(line.get_xdata()) > 0).all()  # joined from small to large
        assert axes.get_xscale() == "log"
        assert any(list(line.get_ydata()) == [0, 0] for line in lines(axes))
        assert limits(axes).count_contains(shown[["x", "y"]].to_numpy()) == len(entries)
    return looks


def test_target_sizes_shows_its_table(draw: Drawing) -> None:
    tasks = [("target", "boolq"), ("target", "disfl-qa"), ("probing", "word-content")]
    tasks.append(("probing", "bigram-shift"))
    keys = itertools.product(tasks, SOURCES, [100, 1000, 10_000])
    rows = [(*task, source, size) for task, source, size in keys]
    table = pd.DataFrame(rows, columns=["role", "task", "source", "train_examples"])
    table = with_intervals(table, np.random.default_rng(12))
    figure = draw("target_sizes", target_sizes=table)
    assert [axes.get_title() for axes in figure.axes if axes.axison] == [
        *("BoolQ (target)", "DisflQA (target)", "WC (probing)", "BShift (probing)"),
    ]
    for empty in [axes for axes in figure.axes if not axes.axison]:
        assert not empty.has_data()
        empty.remove()
    looks = shows_curves(figure, [table[table["task"] == task] for _, task in tasks])
    entries = {TITLES[source]: look for source, look in looks.items()}
    assert {name: entry[:2] for name, entry in legend(figure).items()} == entries
    assert figure.get_supxlabel() == "training examples of the task"
    assert figure.get_supylabel() == "mean difference, points"
    for axes in figure.axes:
        assert all(label in ("", f"{at:,.0f}") for at, label in names(axes.xaxis).items())


def test_scores_stand_beside_size_curves_only_where_all_have_one_baseline(draw: Drawing) -> None:
    table = size_curve_points()
    table.loc[0, "baseline"] += 1
    first, second = draw("size_curves", size_curves=table).axes
    assert (len(first.child_axes), len(second.child_axes)) == (0, 1)


def sizes_near(places: pd.Series[float]) -> pd.Series[float]:
    """The sizes that places on the axis stand for: curves stand a little apart."""
    sizes = 10 ** np.log10(places).round()
    assert (np.abs(np.log(places / sizes)) < np.log(1.05)).all()
    return sizes


def test_spread_shows_its_table(draw: Drawing) -> None:
    runs = demo_runs()
    flagged = flag_degenerate(runs, demo_options().degenerate)
    figure = draw("spread", flagged)
    sources = ["none", *SOURCES]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["none", "Sarcasm", "SocialIQA", "PrivacyQA"]
    order = [*("BoolQ", "FinanceNER", "DisflQA"), *("BShift", "SentLen", "WC")]
    assert down(figure.axes[0]) == order
    looks = {False: ("#0072b2", "o"), True: ("#d55e00", "x")}
    scored = runs[runs["score"].notna() & (runs["role"] != "intermediate")]
    base = scored[scored["source"] == "none"].groupby("task")["score"].mean()
    for source, axes in zip(sources, figure.axes, strict=True):
        rows = names(figure.axes[0].yaxis)
        shown = marks(axes).assign(row=lambda of, rows=rows: of["y"].map(rows))
        own = scored[scored["source"] == source]
        expected = [
            (100 * (run.score - base[run.task]), TITLES[run.task], *looks[bool(run.constant)])
            for run in own.itertuples()
        ]
        same(shown[["x", "row", "colour", "marker"]].to_numpy(), expected)
        assert limits(axes).count_contains(shown[["x", "y"]].to_numpy()) == len(own)
        assert axes.get_ylim() == figure.axes[0].get_ylim()
        assert any(list(line.get_xdata()) == [0, 0] for line in lines(axes))
        ticks = names(axes.xaxis)
        assert ticks == {at: "0" if at == 0 else f"{at:+g}".replace("-", "−") for at in ticks}
        assert len(ticks) > 2
        assert limits(axes).count_contains([(at, 1) for at in ticks]) == len(ticks)
    assert figure.get_supxlabel() == "score minus mean of baseline, points    × degenerate"


def test_curves_shows_its_table(draw: Drawing) -> None:
    runs = demo_runs()
    figure = draw("curves", runs)
    entries = legend(figure)
    assert list(entries) == ["none (baseline)", "Sarcasm", "SocialIQA", "PrivacyQA"]
    assert len(set(entries.values())) == 4
    assert entries["none (baseline)"] == ("#000000", "None", "-")
    panels = {axes.get_title(): axes for axes in figure.axes if axes.axison}
    kinds = runs[["role", "task"]].drop_duplicates().itertuples(index=False)
    assert list(panels) == [f"{TITLES[task]} ({role})" for role, task in kinds]
    assert in_reading_order(list(panels.values()))
    points = pd.DataFrame(
        [
            (f"{TITLES[run.task]} ({run.role})", title_of(run.source), run.restart, point)
            for run in runs[runs["curve"].notna()].itertuples()
            for point in json.loads(run.curve)
        ],
        columns=["panel", "source", "restart", "point"],
    )
    points["step"] = [float(point["step"]) for point in points["point"]]
    points["y"] = [100 * point["score"] for point in points["point"]]
    for name, axes in panels.items():
        own = points[points["panel"] == name]
        curves = pd.DataFrame(
            [
                (tuple(map(float, line.get_xdata())), line.get_ydata(), look(line), line.get_lw())
                for line in lines(axes)
            ],
            columns=["x", "y", "look", "width"],
        )
        thin = curves["width"] < 0.6
        same(flat(curves[thin]), expected_curves(own, entries, ["source", "restart"], solid=True))
        same(flat(curves[~thin]), expected_curves(own, entries, ["source"], solid=False))
    assert figure.get_supxlabel() == "optimiser steps"
    assert figure.get_supylabel() == "score, points"


def test_curves_of_one_evaluation_can_be_seen(draw: Drawing) -> None:
    runs = demo_runs()
    last = [None if pd.isna(each) else json.dumps(json.loads(each)[-1:]) for each in runs["curve"]]
    figure = draw("curves", runs.assign(curve=last))
    panels = [axes for axes in figure.axes if axes.axison]
    shown = [line for axes in panels for line in axes.lines if len(line.get_xdata())]
    assert len(shown) > len(panels)
    assert {len(line.get_xdata()) for line in shown} == {1}
    assert {line.get_marker() for line in shown} == {"o"}


def title_of(source: str) -> str:
    return "none (baseline)" if source == "none" else TITLES[source]


def in_reading_order(panels: list[Axes]) -> bool:
    places = [axes.get_subplotspec() for axes in panels]
    at = [(place.rowspan.start, place.colspan.start) for place in places]
    return at == sorted(at)


def flat(curves: pd.DataFrame) -> list[tuple[object, ...]]:
    return [(*curve.look, *curve.x, *map(float, curve.y)) for curve in curves.itertuples()]


def expected_curves(
    points: pd.DataFrame, looks: dict[str, tuple[str, str, str]], by: list[str], solid: bool
) -> list[tuple[object, ...]]:
    """The curves of a panel: one per group, the mean of its points at each step."""
    curves = []
    for key, part in points.groupby(by):
        colour, marker, dashes = looks[key[0]]
        mean = part.groupby("step")["y"].mean()
        curves.append((colour, marker, "-" if solid else dashes, *mean.index, *mean))
    return curves


@pytest.mark.parametrize("count", [8, 14])
def test_more_sources_than_colours_differ_by_dashes(draw: Drawing, count: int) -> None:
    entries = legend(draw("curves", ordered_runs(count)))
    assert list(entries) == ["none (baseline)", *SOURCES_IN_ORDER[:count]]
    assert len(set(entries.values())) == count + 1


SOURCES_IN_ORDER = [f"source-{number:02}" for number in range(20)]


def ordered_runs(count: int) -> pd.DataFrame:
    """Runs of sources on two tasks, each better than the one before it."""
    sources = ["none", *SOURCES_IN_ORDER[:count]]
    return runs_of(
        record("target", source, task, 1, 0.5 + number / 100)
        for number, source in enumerate(sources)
        for task in ("boolq", "disfl-qa")
    )


def test_of_many_sources_the_highest_and_the_lowest_have_a_colour(draw: Drawing) -> None:
    figure = draw("curves", ordered_runs(20))
    entries = legend(figure)
    own = [f"source-{number}" for number in ("19", "18", "17", "02", "01", "00")]
    assert list(entries) == ["none (baseline)", *own, "14 others"]
    assert len(set(entries.values())) == len(entries)
    (axes, *_) = [axes for axes in figure.axes if axes.axison]
    grey = [line for line in lines(axes) if to_hex(line.get_color()) == "#b8b8b8"]
    ends = [100 * (0.5 + number / 100) for number in range(4, 18)]
    assert sorted(line.get_ydata()[-1] for line in grey) == pytest.approx(ends)
    assert max(line.zorder for line in grey) <= 2  # nothing but its order lays it below the others


def test_many_sources_without_a_colour_have_one_box_together(draw: Drawing) -> None:
    figure = draw("stability", flag_degenerate(ordered_runs(20), Options().degenerate))
    boxes = legend_of_bars(figure)
    own = [f"source-{number}" for number in ("19", "18", "17", "02", "01", "00")]
    assert list(boxes) == ["single", *own, "14 others"]
    assert len(set(boxes.values())) == len(boxes)
    medians = [
        float(line.get_xdata()[0]) for line in lines(figure.axes[0]) if line.get_linewidth() == 0.8
    ]
    pooled = np.median([100 * (0.5 + number / 100) for number in range(4, 18)])
    assert [each for each in medians if each == pytest.approx(pooled)] == [
        pytest.approx(pooled),
        pytest.approx(pooled),
    ]


def test_evaluations_without_a_score_are_left_out_of_a_curve(draw: Drawing) -> None:
    curve = [{"step": s, "loss": 1.0, "score": score} for s, score in ((10, 0.4), (20, None))]
    runs = runs_of([record("target", "none", "boolq", 1, 0.5, curve=json.dumps(curve))])
    thin, mean = draw("curves", runs).axes[0].lines
    assert thin.get_xydata().tolist() == mean.get_xydata().tolist() == [[10.0, 40.0]]


# Mixing against chaining


@pytest.fixture(scope="module")
def mixed() -> dict[str, pd.DataFrame]:
    return study_tables(mixing_runs(), MIXING_OPTIONS)


@pytest.fixture
def draw_mixed(tmp_path: Path, mixed: dict[str, pd.DataFrame]) -> Drawing:
    """Draw a figure of the study that mixes and chains."""

    def drawn(name: str, **changed: pd.DataFrame) -> Figure:
        for table, content in {**mixed, **changed}.items():
            content.to_csv(tmp_path / f"{table}.csv", index=False)
        runs = flag_degenerate(mixing_runs(), MIXING_OPTIONS.degenerate)
        figure = DRAWN[name](Material(runs, tmp_path, MIXING_OPTIONS, "", DIRECT))
        figure.draw_without_rendering()
        return figure

    return drawn


def test_mix_or_chain_shows_its_table(draw_mixed: Drawing, mixed: dict[str, pd.DataFrame]) -> None:
    figure = draw_mixed("mix_or_chain")
    (axes,) = figure.axes
    assert down(axes) == across(axes) == [name.upper() for name in SIZES]
    colours = {"chain": "#e69f00", "no difference": "#ffffff", "mix": "#56b4e9"}
    table = mixed["mix_or_chain"]
    wrong = table["right"].astype(object).eq(False)
    entries = table.assign(
        row=table["task"].str.upper(),
        column=table["source"].str.upper(),
        colour=table["better"].map(colours),
        text=table["delta"].map(signed) + np.where(wrong, "×", ""),
        bold=table["better_published"] != "no difference",
    )
    columns = ["row", "column", "colour", "text", "bold"]
    shown = cells(axes, axes)
    diagonal = shown["row"] == shown["column"]
    same(shown.loc[~diagonal, columns].to_numpy(), entries[columns].to_numpy())
    assert set(shown.loc[diagonal, "text"]) == {""}
    assert set(shown.loc[diagonal, "colour"]) == {"#e8e8e8"}
    assert wrong.any()
    named = {"mtl is better": "mix", "stilts is better": "chain"}
    named["no difference is known"] = "no difference"
    assert legend_of_bars(figure) == {name: colours[at] for name, at in named.items()}


def test_few_tasks_have_rows_between_a_legend_of_three_lines_and_what_is_below(
    tmp_path: Path, mixed: dict[str, pd.DataFrame]
) -> None:
    table = mixed["mix_or_chain"]
    three = table[table["task"].ne("mnli") & table["source"].ne("mnli")]
    three.to_csv(tmp_path / "mix_or_chain.csv", index=False)
    options = replace(MIXING_OPTIONS, titles={name: f"A task {name}" for name in SIZES})
    figure = DRAWN["mix_or_chain"](Material(mixing_runs(), tmp_path, options, "", DIRECT))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_window_extent().height / figure.dpi > 3 * 0.15
    (note,) = (each for each in figure.findobj(Text) if "mtl minus stilts" in each.get_text())
    assert axes.yaxis.label.get_window_extent().y0 >= note.get_window_extent().y1


def test_better_than_single_shows_its_table(
    draw_mixed: Drawing, mixed: dict[str, pd.DataFrame]
) -> None:
    axes = draw_mixed("better_than_single").axes[0]
    table = mixed["mix_or_chain"]
    limit = limit_of(table["best_delta"], table["best_p"], 10)
    sure = table["best_p_holm"] < 0.05
    letter = table["best"].map({"mtl": " m", "stilts": " c"})
    entries = table.assign(
        row=table["task"].str.upper(),
        column=table["source"].str.upper(),
        colour=table["best_delta"].map(lambda delta: blue_for_gain(delta, limit)),
        text=table["best_delta"].map(signed) + np.where(sure, "*", "") + letter,
        bold=sure,
    )
    columns = ["row", "column", "colour", "text", "bold"]
    shown = cells(axes, axes)
    diagonal = shown["row"] == shown["column"]
    same(shown.loc[~diagonal, columns].to_numpy(), entries[columns].to_numpy())
    assert set(sure) == {True, False}


def test_size_rule_shows_its_table(draw_mixed: Drawing, mixed: dict[str, pd.DataFrame]) -> None:
    (axes,) = draw_mixed("size_rule").axes
    looks = {"mix": ("#56b4e9", "o"), "chain": ("#e69f00", "s"), "no difference": ("#6b6b6b", "^")}
    table = mixed["mix_or_chain"]
    expected = [(np.log10(r.size_ratio), r.t, *looks[r.better]) for r in table.itertuples()]
    same(marks(axes).to_numpy(), expected)
    slopes = {
        str(line.get_label()): np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0]
        for line in lines(axes)
        if "slope" in str(line.get_label())
    }
    regression = mixed["size_regression"].dropna(subset="slope")
    assert len(slopes) == len(regression) > 0
    for row in regression.itertuples():
        assert slopes[f"{row.cells}: slope {row.slope:+.2f}"] == pytest.approx(row.slope)


def test_all_tasks_shows_its_table(draw_mixed: Drawing) -> None:
    figure = draw_mixed("all_tasks")
    (axes,) = figure.axes
    assert down(axes) == [name.upper() for name in SIZES]
    assert list(legend_of_bars(figure)) == ["single", "mtl-all"]
    runs = mixing_runs()
    medians = {
        (round(float(np.mean(line.get_ydata())), 6)): float(line.get_xdata()[0])
        for line in lines(axes)
        if line.get_linewidth() == 0.8
    }
    for number, arm in enumerate(["single", "mtl-all"]):
        for row, task in enumerate(SIZES):
            own = runs[(runs["arm"] == arm) & (runs["task"] == task) & (runs["role"] == "target")]
            place = round(row + (number - 0.5) * 0.4, 6)
            assert medians[place] == pytest.approx(100 * own["score"].median())


OF_GRID = flag_degenerate(grid_runs(), Options().degenerate)
STARTS = {
    **{"none": ("none", "#000000"), "sarcasm": ("Sarcasm", "#0072b2")},
    **{"social-iqa": ("SocialIQA", "#e69f00"), "privacy-qa": ("PrivacyQA", "#009e73")},
}


def test_stability_shows_its_table(draw: Drawing) -> None:
    figure = draw("stability", OF_GRID)
    (axes,) = figure.axes
    tasks = ["boolq", "finance-ner", "disfl-qa"]
    assert down(axes) == [TITLES[task] for task in tasks]
    boxes = legend_of_bars(figure)
    assert boxes == {"single": "#ffffff", **dict([*STARTS.values()][1:])}
    trials = trials_of(OF_GRID, 0.0)
    medians = sorted(
        (round(float(np.mean(line.get_ydata())), 6), round(float(line.get_xdata()[0]), 6))
        for line in lines(axes)
        if line.get_linewidth() == 0.8
    )
    expected = [
        (round(row + (number - 1.5) * 0.2, 6), round(float(own["score"].median()), 6))
        for row, task in enumerate(tasks)
        for number, source in enumerate(STARTS)
        if len(own := trials[(trials["task"] == task) & (trials["source"] == source)])
    ]
    assert medians == sorted(expected)


def test_sorted_trials_shows_its_table(draw: Drawing) -> None:
    figure = draw("sorted_trials", OF_GRID)
    trials = trials_of(OF_GRID, 0.0)
    for axes, task in zip(figure.axes, ("boolq", "finance-ner", "disfl-qa"), strict=False):
        assert axes.get_title() == TITLES[task]
        for source, (_, colour) in STARTS.items():
            entries = sorted(
                trials[(trials["task"] == task) & (trials["source"] == source)]["score"]
            )
            drawn = marks(axes)
            own = drawn[(drawn["colour"] == colour) & (drawn["marker"] == "o")]
            same(
                own[["x", "y"]].itertuples(index=False, name=None),
                ((float(place), score) for place, score in enumerate(entries, start=1)),
            )
    crosses = marks(figure.axes[0])
    crosses = crosses[crosses["marker"] == "x"]
    assert crosses[["x", "y", "colour"]].to_numpy().tolist() == [[1.0, 30.0, STARTS["sarcasm"][1]]]
    assert "× failed" in figure.get_supxlabel()


def test_expected_best_shows_its_table(draw: Drawing) -> None:
    table = expected_best(OF_GRID, demo_options(), 0.0)
    figure = draw("expected_best", expected_best=table)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.axison}
    assert list(panels) == ["BoolQ", "FinanceNER", "DisflQA", "mean over tasks"]
    for (task, source), own in table.groupby(["task", "source"]):
        colour = STARTS[str(source)][1]
        (line,) = (
            line
            for line in lines(panels[TITLES.get(str(task), str(task))])
            if to_hex(line.get_color()) == colour
        )
        same(
            zip(map(float, line.get_xdata()), map(float, line.get_ydata()), strict=True),
            own[["trials", "expected_best"]].astype(float).itertuples(index=False, name=None),
        )
    assert figure.get_supylabel() == "expected best score, points"


def test_figures_of_a_grid_keep_its_points_apart(draw: Drawing) -> None:
    figure = draw("curves", OF_GRID)
    axes = {axes.get_title(): axes for axes in figure.axes}["BoolQ (target)"]
    assert len([line for line in lines(axes) if line.get_linewidth() < 0.6]) == 4 * 2 * len(POINTS)
    assert not [
        line for line in lines(axes) if line.get_linewidth() > 0.6 and len(line.get_xdata())
    ]
    spread = draw("spread", OF_GRID)
    baseline = marks(spread.axes[0])
    own = OF_GRID[(OF_GRID["source"] == "none") & (OF_GRID["role"] == "target")]
    centre = own.groupby(["task", "point"])["score"].transform("mean")
    expected = 100 * (own["score"] - centre)
    same(((x,) for x in baseline["x"]), ((float(x),) for x in expected))


def test_forgetting_shows_its_table(tmp_path: Path) -> None:
    runs, trainings = forgetting_study()
    table = study_tables(runs, FORGETTING_OPTIONS, trainings)["forgetting"]
    table.to_csv(tmp_path / "forgetting.csv", index=False)
    of = Material(runs, tmp_path, FORGETTING_OPTIONS, "", FORGETTING_OPTIONS.main)
    figure = DRAWN["forgetting"](of)
    (axes,) = figure.axes
    signs = {"stilts": "o", "mlm": "s"}
    colours = {"mnli": "#0072b2", "qnli": "#e69f00"}
    own = table[~table["pretrained"]]
    expected = [
        (row.masked_accuracy, row.delta, colours[row.source], signs[row.arm])
        for row in own.itertuples()
    ]
    same(marks(axes).to_numpy(), expected)
    bars = [bar.get_segments()[0][:, 0] for bar in axes.collections]
    for (left, right), row in zip(bars, own.itertuples(), strict=True):
        assert (left, right) == pytest.approx(
            (row.masked_accuracy - row.sd, row.masked_accuracy + row.sd)
        )
    upright = [line for line in lines(axes) if line.get_linestyle() == "--"]
    pretrained = table.loc[table["pretrained"], "masked_accuracy"].iloc[0]
    assert [list(line.get_xdata()) for line in upright] == [[pretrained] * 2]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["stilts", "mlm", "MNLI", "QNLI", "the pretrained encoder"]


def test_size_panels_shows_its_table(draw_mixed: Drawing) -> None:
    noise = np.random.default_rng(3)
    rows = [
        {
            **{"arm": arm, "against": against, "role": "target", "source": source},
            **{"train_examples": size, "delta": noise.normal()},
        }
        for arm, against in (("stilts", "single"), ("mtl", "single"), ("mtl", "stilts"))
        for source in ("mnli", "qnli")
        for size in (100, 1000)
    ]
    curves = pd.DataFrame(rows)
    curves = curves.assign(ci_low=curves["delta"] - 1, ci_high=curves["delta"] + 2)
    figure = draw_mixed("size_panels", size_curves=curves)
    assert [axes.get_title() for axes in figure.axes] == ["MNLI", "QNLI"]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    looks = {"stilts": ("#0072b2", "o"), "mtl": ("#009e73", "s")}
    for source, axes in zip(("mnli", "qnli"), figure.axes, strict=True):
        own = curves[(curves["source"] == source) & (curves["against"] == "single")]
        expected = [(float(r.train_examples), r.delta, *looks[r.arm]) for r in own.itertuples()]
        same(marks(axes).assign(x=lambda of: sizes_near(of["x"])).to_numpy(), expected)
        ends = [(end[0][1], end[1][1]) for end in segments(axes)]
        same(ends, own[["ci_low", "ci_high"]].to_numpy())
    assert set(legend(figure)) == {"stilts", "mtl"}


# Transfer by two methods


@pytest.fixture(scope="module")
def by_method() -> dict[str, pd.DataFrame]:
    tables = study_tables(methods.method_runs(), methods.METHOD_OPTIONS)
    return {name: tables[name] for name in ("methods", "method_ranking")}


@pytest.fixture
def draw_methods(tmp_path: Path, by_method: dict[str, pd.DataFrame]) -> Drawing:
    """Draw a figure of the study with two methods."""

    def drawn(name: str) -> Figure:
        for table, content in by_method.items():
            content.to_csv(tmp_path / f"{table}.csv", index=False)
        of = methods.METHOD_OPTIONS, "", methods.DIRECT
        figure = DRAWN[name](Material(methods.method_runs(), tmp_path, *of))
        figure.draw_without_rendering()
        return figure

    return drawn


def test_methods_shows_its_table(draw_methods: Drawing, by_method: dict[str, pd.DataFrame]) -> None:
    figure = draw_methods("methods")
    assert [axes.get_title() for axes in figure.axes] == ["target tasks", "probing tasks"]
    assert legend_of_bars(figure) == {"stilts-lora": "#0072b2", "stilts": "#e69f00"}
    table = by_method["methods"]
    for axes, (role, tasks) in zip(figure.axes, methods.TASKS.items(), strict=True):
        assert down(axes) == [task.upper() for task in tasks]
        medians = {
            round(float(np.mean(line.get_ydata())), 6): float(line.get_xdata()[0])
            for line in lines(axes)
            if line.get_linewidth() == 0.8
        }
        own = table[table["role"] == role].groupby("task")[["gain", "against_gain"]].median()
        expected = {
            round(row + place, 6): own.loc[task, column]
            for row, task in enumerate(tasks)
            for place, column in ((-0.2, "gain"), (0.2, "against_gain"))
        }
        assert medians == pytest.approx(expected)


def test_method_ranking_shows_its_table(
    draw_methods: Drawing, by_method: dict[str, pd.DataFrame]
) -> None:
    figure = draw_methods("method_ranking")
    (axes,) = figure.axes
    table = by_method["methods"].dropna(subset=["delta", "against_delta"])
    expected = [(r.against_delta, r.delta, *ROLES[r.role]) for r in table.itertuples()]
    same(marks(axes).to_numpy(), expected)
    assert axes.get_xlabel() == "transfer by stilts, points"
    assert axes.get_ylabel() == "transfer by stilts-lora, points"
    target, probing = (row for _, row in by_method["method_ranking"].iterrows())
    shown = [*legend(figure)]
    for name, low, high in (
        ("spearman", "ci_low", "ci_high"),
        ("within_tasks", "within_low", "within_high"),
    ):
        number, *bounds = (short(target[column]) for column in (name, low, high))
        assert f" {number} [{', '.join(bounds)}]" in shown[0]
        assert f" {short(probing[name])}" in shown[1]
    assert "[" not in shown[1]  # two tasks have no interval
    diagonal = next(line for line in axes.lines if isinstance(line, AxLine))
    assert diagonal.get_slope() == 1
    assert diagonal.get_xy1() == (0, 0)


def short(rho: float) -> str:
    return f"{rho:.2f}".replace("-", "−").replace("0.", ".")


# Methods of selection


def test_selection_costs_shows_its_table(draw: Drawing) -> None:
    noise = np.random.default_rng(8)
    costs = pd.DataFrame({"method": ["random", "static", "logme", "leep", "probe"]})
    costs["regret"] = [3.0, 0.4, 1.5, 2.0, np.nan]
    costs["ci_low"], costs["ci_high"] = costs["regret"] * 0.7, costs["regret"] + noise.uniform(1, 2)
    costs["tokens_share"] = [0.0, 0.0, 0.8, np.nan, 0.0]
    costs["needs"] = ["nothing", "the scores of other targets from all sources", *["data"] * 3]
    figure = draw("selection_costs", selection_costs=costs)
    left, right = figure.axes
    best = ["static", "logme", "leep", "random"]
    assert down(left) == best
    rows = {name: y for y, name in names(left.yaxis).items()}
    known = costs.set_index("method").loc[best]
    expected = [(row.regret, rows[name], "#0072b2", "o") for name, row in known.iterrows()]
    same(marks(left).to_numpy(), expected)
    ends = [((row.ci_low, rows[name]), (row.ci_high, rows[name])) for name, row in known.iterrows()]
    assert sorted(segments(left)) == sorted(ends)
    measured = known["tokens_share"].dropna()
    shown = marks(right).dropna()
    same(shown.to_numpy(), [(x, rows[name], "#0072b2", "o") for name, x in measured.items()])
    hollow = {line.get_ydata()[0] for line in left.lines if line.get_markerfacecolor() == "white"}
    assert hollow == {rows["static"]}


def test_costs_within_a_decade_have_two_marks(draw: Drawing) -> None:
    costs = pd.DataFrame({"method": ["logme", "leep"], "regret": [1.0, 2.0], "needs": "data"})
    costs = costs.assign(ci_low=0.5, ci_high=3.0, tokens_share=[2.0, 3.0])
    _, right = draw("selection_costs", selection_costs=costs).axes
    low, high = right.get_xlim()
    assert [at for at in right.get_xticks() if low <= at <= high] == [0, 1]


def test_selection_ranks_shows_its_table(draw: Drawing) -> None:
    keys = itertools.product(["random", "static", "logme"], TASKS["target"])
    choices = pd.DataFrame(keys, columns=["method", "target"]).assign(truth="own", candidates=5)
    choices["rank"] = [3, 3, 3, 1, 2.5, 4, 5, 1, 2]
    other = choices.assign(truth="other", rank=5)
    figure = draw("selection_ranks", selection_choices=pd.concat([choices, other]))
    panel, bar = figure.axes
    shown = cells(panel, panel).set_index(["row", "column"])
    colours = matplotlib.colormaps["Blues_r"]
    assert len(shown) == len(choices)
    for row in choices.itertuples():
        cell = shown.loc[(TITLES[row.target], row.method)]
        assert cell["text"] == f"{row.rank:g}"
        assert cell["colour"] == to_hex(colours((row.rank - 1) / 4))
        assert cell["bold"] == (row.rank == 1)
    assert [label.get_text() for label in bar.get_yticklabels()] == ["best", "worst"]


def test_selection_scatter_shows_its_table(draw: Drawing) -> None:
    noise = np.random.default_rng(9)
    keys = itertools.product(["static", "logme"], TASKS["target"], [*SOURCES, "none"])
    scores = pd.DataFrame(keys, columns=["method", "target", "source"]).assign(truth="own")
    scores["value"] = noise.normal(size=len(scores))
    scores["score"] = noise.uniform(40, 80, len(scores))
    scores["delta"] = noise.normal(0, 5, len(scores))
    unknown = scores["target"] == "boolq"
    scores.loc[unknown, "delta"] = np.nan
    figure = draw("selection_scatter", selection_scores=scores)
    sources = scores[scores["source"] != "none"]
    for axes, (method, own) in zip(figure.axes, sources.groupby("method", sort=False), strict=True):
        assert axes.get_title() == method
        expected = []
        for number, (target, part) in enumerate(own.groupby("target", sort=False)):
            x = (part["value"] - part["value"].min()) / np.ptp(part["value"])
            centred = part["score"] - part["score"].mean()
            y = centred if target == "boolq" else part["delta"]
            colour = ["#0072b2", "#e69f00", "#009e73"][number]
            expected += [(*point, colour, "o") for point in zip(x, y, strict=True)]
            fitted = np.polyval(np.polyfit(x, y, 1), [0, 1])
            line = lines(axes)[number + 1]
            assert list(line.get_ydata()) == pytest.approx(list(fitted))
        same(marks(axes).to_numpy(), expected)
    assert [*legend(figure)] == [TITLES[target] for target in TASKS["target"]]


# All figures


def test_a_figure_of_a_variant_is_drawn_from_the_tables_of_its_variant(tmp_path: Path) -> None:
    table = of_contrast(transfer())
    variants = {"": table, "_unfiltered": table.assign(delta=-2 * table["delta"])}
    for suffix, content in variants.items():
        content.to_csv(tmp_path / f"transfer{suffix}.csv", index=False)
    draw_figures(["detectable"], demo_runs(), tmp_path, Options(), tmp_path / "drawn")
    for suffix, content in variants.items():
        save(draw_detectable(content, Options()), tmp_path / f"alone{suffix}.svg")
        written = (tmp_path / f"drawn/detectable{suffix}.svg").read_bytes()
        assert written == (tmp_path / f"alone{suffix}.svg").read_bytes()


@pytest.mark.parametrize("name", ["spread", "curves"])
def test_runs_of_reduced_sizes_are_in_no_figure_of_runs(tmp_path: Path, name: str) -> None:
    runs = sized_runs()
    few = runs[runs["task"].isin(["sarcasm", "boolq"])]
    for folder, of in (("all", few), ("whole", few[few["examples"].isna()])):
        draw_figures([name], of, tmp_path, demo_options(), tmp_path / folder)
    written = [(tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("all", "whole")]
    assert written[0] == written[1]


def mixing_cells() -> pd.DataFrame:
    """A table of mixing against chaining of which nothing is known."""
    unknown = dict.fromkeys(("delta", "best_delta", "t", "size_ratio"), np.nan)
    return pd.DataFrame([{"task": "rte", **unknown}])


def no_curves() -> pd.DataFrame:
    point = {"arm": "mtl", "against": "single", "role": "target", "source": "mnli"}
    return pd.DataFrame([{**point, "train_examples": 10.0, "delta": np.nan}])


def method_cells() -> pd.DataFrame:
    """A table of two methods of which nothing is known."""
    numbers = dict.fromkeys(("delta", "against_delta", "gain", "against_gain"), np.nan)
    return pd.DataFrame([{"arm": "stilts", "against": "single", "role": "target", **numbers}])


OF_SCORES = ("method", "target", "source", "value", "score", "delta")


def no_method(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


EMPTY: dict[str, tuple[str, dict[str, pd.DataFrame]]] = {
    "mix_or_chain": ("no cell of mixing", {"mix_or_chain": mixing_cells()}),
    "better_than_single": ("no cell has the target alone", {"mix_or_chain": mixing_cells()}),
    "size_rule": (
        "no cell has a test",
        {"mix_or_chain": mixing_cells(), "size_regression": pd.DataFrame({"slope": []})},
    ),
    "methods": ("no cell has a transfer by either", {"methods": method_cells()}),
    "method_ranking": (
        "no cell has a transfer by both",
        {"methods": method_cells(), "method_ranking": pd.DataFrame({"role": []})},
    ),
    "forgetting": ("no encoder was measured", {"forgetting": pd.DataFrame(columns=FORGETTING)}),
    "selection_costs": ("no method of selection", {"selection_costs": no_method("regret")}),
    "selection_ranks": ("no method of selection", {"selection_choices": no_method("truth")}),
    "selection_scatter": ("no method of selection", {"selection_scores": no_method(*OF_SCORES)}),
    "size_panels": ("no source of several sizes", {"size_curves": no_curves()}),
    "all_tasks": ("no arm over all tasks", {}),
    "stability": ("No trials to show", {}),
    "sorted_trials": ("No trials to show", {}),
    "expected_best": (
        "No trials to show",
        {"expected_best": pd.DataFrame(columns=BEST_COLUMNS)},
    ),
    "heatmap": ("No transfer to show", {"transfer": transfer().iloc[:0]}),
    "correlations": ("No correlation to show", {"correlations": pairs().assign(spearman=np.nan)}),
    "correlations_all": (
        "No correlation to show",
        {"correlations_all": pairs().assign(spearman=np.nan)},
    ),
    "robustness": ("No correlation to show", {"robustness": pd.DataFrame({"look": []})}),
    "detectable": ("No detectable difference", {"transfer": transfer().assign(detectable=np.nan)}),
    "spread": ("No spread to show", {}),
    "curves": ("No learning curves", {}),
    "averages": (
        "No average to show",
        {"averages_by_filter": averages().iloc[:0], "averages_unfiltered": intervals()},
    ),
    "pooled": ("No estimate over tasks", {"pooled": pooled().assign(mu=np.nan)}),
    "sizes": (
        "No sizes to show",
        {"sources": pd.DataFrame({"train_examples": [np.nan], "delta": [1.0]})},
    ),
    "size_curves": (
        "No size curves",
        {"size_curves": pd.DataFrame({"train_examples": [10.0], "delta": [np.nan]})},
    ),
    "target_sizes": (
        "no task has a size",
        {"target_sizes": pd.DataFrame({"train_examples": [10.0], "delta": [np.nan]})},
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_without_anything_to_show_says_so(draw: Drawing, name: str) -> None:
    message, tables = EMPTY[name]
    runs = flag_degenerate(demo_runs().iloc[:9].assign(curve=None), Options().degenerate)
    figure = draw(name, runs, **tables)
    assert figure.axes == []
    assert message in figure.texts[0].get_text()


def test_studies_without_a_common_cell_say_so() -> None:
    figure = draw_comparison(pd.DataFrame({"cell": ["own only"]}), "mine", "theirs")
    assert figure.axes == []
    assert "Nothing to compare" in figure.texts[0].get_text()


def test_size_curves_of_one_role_have_one_panel(draw: Drawing) -> None:
    table = size_curve_points()
    (axes,) = draw("size_curves", size_curves=table[table["role"] == "probing"]).axes
    assert axes.get_title() == "probing tasks"
    assert len(marks(axes)) == 9
