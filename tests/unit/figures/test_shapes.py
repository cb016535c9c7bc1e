"""Every figure of studies from one cell to sixty long names: labels apart, whole, and honest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.shapes import OPTIONS, SHAPES, STUDIES, Study, plain
from helpers.shown import cells, limits, names
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from scipy import stats

from interlude.analysis.catalog import FIGURES
from interlude.figures.gallery import DRAWN, Material
from interlude.figures.labels import SMALLEST_TYPE
from interlude.figures.style import PAGE_HEIGHT, TWO_COLUMNS, fix_layout, style

LARGE = ("11 x 35", "42 x 11", "60 long names")
WIDEST = "42 x 11"
# To draw, of hundreds of lines.
LONG = (
    *("curves", "stability", "sorted_trials", "expected_best", "size_panels", "target_sizes"),
    "selection_scatter",
)
# What gives sources, targets or arms a colour each.
BY_SOURCE = (
    *("curves", "stability", "sorted_trials", "expected_best", "size_curves", "target_sizes"),
    *("forgetting", "selection_scatter", "all_tasks", "methods"),
)
ROLES = {f"{role}{between}tasks" for role in ("target", "probing") for between in (" ", "\n")}
HAIR = 1.0  # pixels, of 100 an inch, by which boxes of lines may meet without their ink


@dataclass(frozen=True)
class Gallery:
    """Studies of each shape, with their tables in a folder, and figures drawn so far."""

    folder: Path
    studies: dict[tuple[str, str], Study] = field(default_factory=dict)
    drawn: dict[tuple[str, str], Figure] = field(default_factory=dict)

    def material(self, shape: str, name: str) -> Material:
        make = STUDIES.get(name, plain)
        key, folder = (shape, make.__name__), self.folder / shape / make.__name__
        if key not in self.studies:
            self.studies[key] = make(shape)
            folder.mkdir(parents=True)
            for table, content in self.studies[key].tables.items():
                content.to_csv(folder / f"{table}.csv", index=False)
        study = self.studies[key]
        return Material(study.runs, folder, study.options, "", study.contrast)

    def figure(self, shape: str, name: str) -> Figure:
        """A figure that is laid out, drawn once for all tests."""
        if (shape, name) not in self.drawn:
            figure = DRAWN[name](self.material(shape, name))
            fix_layout(figure)
            self.drawn[shape, name] = figure
        return self.drawn[shape, name]

    def transfer(self, shape: str) -> pd.DataFrame:
        return self.material(shape, "heatmap").table("transfer")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return Gallery(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(autouse=True)
def styled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Two files per study would be drawn with degenerate runs and without; here it is all outcomes.
    monkeypatch.setattr(Material, "ranked", property(lambda of: of.table("averages")))
    with style():
        yield


def texts(figure: Figure) -> list[Text]:
    """The texts that can be seen: of an axis only those within its limits."""
    panels = [
        axes for axes in figure.findobj(lambda of: hasattr(of, "xaxis")) if axes.get_visible()
    ]
    axis_texts = {
        text
        for axes in figure.findobj(lambda of: isinstance(of, Axis))
        for tick in (*axes.majorTicks, *axes.minorTicks)
        for text in (tick.label1, tick.label2)
    }
    ticks = [
        label
        for axes in panels
        if axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis._update_ticks()
        for label in (tick.label1, tick.label2)
        if label.get_visible()
    ]
    others = [
        text
        for text in figure.findobj(lambda of: isinstance(of, Text))
        if text not in axis_texts and (text.axes is None or text.axes.get_visible())
    ]
    return [text for text in (*ticks, *others) if text.get_visible() and text.get_text().strip()]


def shapes(name: str) -> list[Any]:
    """Every shape of a figure, those that take long to draw for the slow tests."""
    long = {shape: name in LONG or (name in STUDIES and shape != WIDEST) for shape in LARGE}
    return [
        pytest.param(shape, name, marks=pytest.mark.slow if long.get(shape) else ())
        for shape in SHAPES
    ]


@pytest.mark.parametrize(("shape", "name"), [each for name in FIGURES for each in shapes(name)])
def test_labels_are_whole_and_apart(gallery: Gallery, shape: str, name: str) -> None:
    figure = gallery.figure(shape, name)
    width, height = figure.get_size_inches()
    assert width <= TWO_COLUMNS
    assert height <= PAGE_HEIGHT
    shown = texts(figure)
    boxes = np.array([text.get_window_extent().extents for text in shown])
    right, top = figure.bbox.width, figure.bbox.height
    outside = (
        (boxes < -HAIR).any(axis=1) | (boxes[:, 2] > right + HAIR) | (boxes[:, 3] > top + HAIR)
    )
    assert [text for text, out in zip(shown, outside, strict=True) if out] == []
    low, high = boxes[:, None, :2] + HAIR, boxes[:, None, 2:] - HAIR
    meet = (low < high.transpose(1, 0, 2)).all(axis=2)
    both = np.argwhere(np.triu(meet & meet.T, 1))
    assert [(shown[one], shown[other]) for one, other in both] == []


@pytest.mark.parametrize(("shape", "name"), [each for name in FIGURES for each in shapes(name)])
def test_legends_lie_beside_what_is_drawn_and_type_can_be_read(
    gallery: Gallery, shape: str, name: str
) -> None:
    figure = gallery.figure(shape, name)
    assert min(text.get_size() for text in texts(figure)) >= SMALLEST_TYPE
    panels = [axes.get_window_extent() for axes in figure.axes if axes.axison]
    assert [box for box in figure.legends if box.get_window_extent().count_overlaps(panels)] == []


@pytest.mark.parametrize(("shape", "name"), [each for name in BY_SOURCE for each in shapes(name)])
def test_what_a_legend_distinguishes_looks_different(
    gallery: Gallery, shape: str, name: str
) -> None:
    for box in gallery.figure(shape, name).legends:
        entries = [text.get_text() for text in box.get_texts()]
        assert len(set(entries)) == len(entries)
        looks = [appearance(handle) for handle in box.legend_handles]
        assert len(set(looks)) == len(looks) == len(entries)


def appearance(handle: Patch | Line2D) -> tuple[str, ...]:
    """Colour, marker and dashes of what a legend shows."""
    if isinstance(handle, Patch):
        return (to_hex(handle.get_facecolor()),)
    return to_hex(handle.get_color()), str(handle.get_marker()), str(handle.get_linestyle())


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_takes_half_of_the_scale_and_the_bar_says_where_it_clips(
    gallery: Gallery, shape: str
) -> None:
    transfer, bar = gallery.transfer(shape), gallery.figure(shape, "heatmap").axes[-1]
    low, high = bar.get_ylim()
    assert low == -high
    noise = transfer["p"] >= OPTIONS.statistics.alpha
    assert 2 * transfer.loc[noise, "delta"].abs().max() <= high + 1e-9
    ends = (bool((transfer["delta"] < low).any()), bool((transfer["delta"] > high).any()))
    named = {"neither": (False, False), "min": (True, False), "max": (False, True)}
    assert {**named, "both": (True, True)}[bar._colorbar.extend] == ends


@pytest.mark.parametrize("shape", ["1 x 1", "3 x 3 + 1", "all negative", "many missing"])
def test_grey_is_no_number_and_hatched_is_no_test(gallery: Gallery, shape: str) -> None:
    transfer, figure = gallery.transfer(shape), gallery.figure(shape, "heatmap")
    panels = [*dict.fromkeys(figure.axes[:-1])]
    for axes, (_, own) in zip(panels, transfer.groupby("role", sort=False), strict=True):
        shown = cells(axes, panels[0]).set_index(["row", "column"])
        untested = own[own["p"].isna() & own["delta"].notna()]
        hatched = shown.index[shown["hatched"]]
        assert {*hatched} == {*zip(untested["task"], untested["source"], strict=True)}
        without = own[own["delta"].isna()]
        grey = shown[(shown["colour"] == "#e8e8e8")].drop(
            "baseline", level="column", errors="ignore"
        )
        assert {*grey.index} >= {*zip(without["task"], without["source"], strict=True)}
        assert (grey["text"] == "").all()
    assert untested.empty == (shape != "many missing")


SMALL = [shape for shape in SHAPES if shape not in LARGE]


@pytest.mark.parametrize("shape", [*SMALL, WIDEST])
def test_noise_takes_half_of_the_scale_of_the_better_arm(gallery: Gallery, shape: str) -> None:
    table = gallery.material(shape, "mix_or_chain").table("mix_or_chain")
    low, high = gallery.figure(shape, "better_than_single").axes[-1].get_ylim()
    noise = table["best_p"] >= OPTIONS.statistics.alpha
    assert low == -high
    assert 2 * table.loc[noise, "best_delta"].abs().max() <= high + 1e-9


@pytest.mark.parametrize(
    ("name", "delta", "p"),
    [("mix_or_chain", "delta", "p"), ("better_than_single", "best_delta", "best_p")],
)
@pytest.mark.parametrize("shape", SMALL)
def test_mixing_without_a_result_is_grey_and_without_a_test_hatched(
    gallery: Gallery, shape: str, name: str, delta: str, p: str
) -> None:
    table = gallery.material(shape, name).table("mix_or_chain")
    panels = [axes for axes in gallery.figure(shape, name).axes if axes.get_ylabel() in ROLES]
    for axes, (_, own) in zip(panels, table.groupby("role", sort=False), strict=True):
        shown = cells(axes, panels[0]).set_index(["row", "column"])
        place = own.set_index(["task", "source"])
        untested = place.index[place[delta].notna() & place[p].isna()]
        assert {*shown.index[shown["hatched"]]} == {*untested}
        unknown = place.index[place[delta].isna()]
        assert {*shown.index[shown["colour"] == "#e8e8e8"]} >= {*unknown}
        assert (shown.loc[unknown, "text"] == "").all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_correlation_that_is_noise_has_no_colour(gallery: Gallery, shape: str) -> None:
    table = gallery.material(shape, "correlations_all").table("correlations_all")
    figure = gallery.figure(shape, "correlations_all")
    if not figure.axes:
        assert shape == "1 x 1"
        return
    # The smallest correlation that any number of sources can tell from 0, by the t test.
    df = table["n_means"].max() - 2
    t = stats.t.isf(OPTIONS.statistics.alpha / 2, df)
    least = t / np.sqrt(df + t**2)
    meshes = [axes.collections[0].get_array() for axes in figure.axes[:-1]]
    assert all(abs(value) > least for mesh in meshes for value in mesh.compressed())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_spread_has_an_axis_to_read(gallery: Gallery, shape: str) -> None:
    panels = [axes for axes in gallery.figure(shape, "spread").axes if axes.get_visible()]
    for axes in panels:
        seen = limits(axes)
        marked = {at: label for at, label in names(axes.xaxis).items() if seen.x0 <= at <= seen.x1}
        assert len([label for label in marked.values() if label]) >= 2
