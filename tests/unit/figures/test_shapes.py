"""Every figure of studies from one cell to sixty long names: labels apart, whole, and honest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.shapes import OPTIONS, SHAPES, tables
from helpers.shown import cells, limits, names
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

from interlude.analysis.catalog import FIGURES, OF_METHODS, OF_MIXING, OF_SELECTION
from interlude.analysis.degenerate import flag_degenerate
from interlude.figures.gallery import DRAWN, Material
from interlude.figures.style import PAGE_HEIGHT, TWO_COLUMNS, fix_layout, style

# Of studies of several sizes, arms or methods alone.
OF_SIZES = ("size_curves", "target_sizes")
ELSEWHERE = (*OF_MIXING, *OF_METHODS, *OF_SELECTION, *OF_SIZES, "forgetting", "all_tasks")
NAMES = [name for name in FIGURES if name not in ELSEWHERE]
LARGE = ("11 x 35", "42 x 11", "60 long names")
LONG = ("curves", "stability", "sorted_trials", "expected_best")  # to draw, of hundreds of lines
HAIR = 1.0  # pixels, of 100 an inch, by which boxes of lines may meet without their ink


@dataclass(frozen=True)
class Gallery:
    """Studies of each shape, with their tables in a folder, and figures drawn so far."""

    folder: Path
    studies: dict[str, pd.DataFrame] = field(default_factory=dict)
    drawn: dict[tuple[str, str], Figure] = field(default_factory=dict)

    def material(self, shape: str) -> Material:
        if shape not in self.studies:
            runs = flag_degenerate(SHAPES[shape](), OPTIONS.degenerate)
            self.studies[shape] = runs
            (self.folder / shape).mkdir()
            for name, table in tables(runs).items():
                table.to_csv(self.folder / shape / f"{name}.csv", index=False)
        return Material(self.studies[shape], self.folder / shape, OPTIONS, "", OPTIONS.main)

    def figure(self, shape: str, name: str) -> Figure:
        """A figure that is laid out, drawn once for all tests."""
        if (shape, name) not in self.drawn:
            figure = DRAWN[name](self.material(shape))
            fix_layout(figure)
            self.drawn[shape, name] = figure
        return self.drawn[shape, name]

    def transfer(self, shape: str) -> pd.DataFrame:
        return self.material(shape).table("transfer")


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


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        pytest.param(shape, name, marks=pytest.mark.slow if shape in LARGE and name in LONG else ())
        for shape in SHAPES
        for name in NAMES
    ],
)
def test_labels_are_whole_and_apart(gallery: Gallery, shape: str, name: str) -> None:
    figure = gallery.figure(shape, name)
    width, height = figure.get_size_inches()
    assert width <= TWO_COLUMNS
    assert height <= PAGE_HEIGHT
    told = texts(figure)
    boxes = np.array([text.get_window_extent().extents for text in told])
    right, top = figure.bbox.width, figure.bbox.height
    outside = (
        (boxes < -HAIR).any(axis=1) | (boxes[:, 2] > right + HAIR) | (boxes[:, 3] > top + HAIR)
    )
    assert [text for text, out in zip(told, outside, strict=True) if out] == []
    low, high = boxes[:, None, :2] + HAIR, boxes[:, None, 2:] - HAIR
    meet = (low < high.transpose(1, 0, 2)).all(axis=2)
    both = np.argwhere(np.triu(meet & meet.T, 1))
    assert [(told[one], told[other]) for one, other in both] == []


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


@pytest.mark.parametrize("shape", SHAPES)
def test_the_spread_has_an_axis_to_read(gallery: Gallery, shape: str) -> None:
    panels = [axes for axes in gallery.figure(shape, "spread").axes if axes.get_visible()]
    for axes in panels:
        seen = limits(axes)
        marked = {at: label for at, label in names(axes.xaxis).items() if seen.x0 <= at <= seen.x1}
        assert len([label for label in marked.values() if label]) >= 2
