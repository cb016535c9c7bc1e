"""Every figure of an easy and of an awkward study: whole, readable, embedded, and repeatable."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest
from helpers.forgetting import FORGETTING_OPTIONS, forgetting_study
from helpers.grids import grid_runs
from helpers.methods import METHOD_OPTIONS, method_runs
from helpers.mixing import MIXING_OPTIONS, mixing_runs
from helpers.synthetic import awkward_runs, demo_options, demo_runs
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text

from interlude.analysis.catalog import (
    FIGURES,
    OF_METHODS,
    OF_MIXING,
    OF_SELECTION,
    OF_TRIALS,
    contrasted,
)
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options, Selection, Stability, Statistics
from interlude.analysis.selection import selection_tables
from interlude.analysis.study_tables import study_tables
from interlude.figures.gallery import DRAWN, Material, draw_figures
from interlude.figures.small import small_panels
from interlude.figures.style import PAGE_HEIGHT, TWO_COLUMNS, fix_layout, save, style

FEW = Statistics(resamples=100)
FORGETTING = forgetting_study()
ASKED = Selection(("static+size", "size"), "selection")


def two_sizes() -> pd.DataFrame:
    """The demo with intermediate tasks of two sizes within a decade."""
    runs = demo_runs()
    return runs.assign(train_examples=runs["train_examples"].mask(runs["task"] == "sarcasm", 900))


STUDIES = {
    "demo": (demo_runs(), demo_options(statistics=FEW)),
    "awkward": (awkward_runs(), Options(statistics=FEW)),
    "two sizes": (two_sizes(), demo_options(statistics=FEW)),
    "nothing but sources": (demo_runs().iloc[:9], demo_options(statistics=FEW)),
    "all degenerate": (demo_runs().assign(constant=True), demo_options(statistics=FEW)),
    "mixing": (mixing_runs(), replace(MIXING_OPTIONS, statistics=FEW)),
    "methods": (method_runs(), replace(METHOD_OPTIONS, statistics=FEW, selection=ASKED)),
    "forgetting": (FORGETTING[0], FORGETTING_OPTIONS),
    "grid": (grid_runs(), demo_options(statistics=FEW, stability=Stability())),
}
TRAININGS = {"forgetting": FORGETTING[1]}
OF_SIZES = ("size_curves", "size_panels", "target_sizes")  # of studies with sizes alone
OWN = {  # alone
    "mixing": OF_MIXING,
    "methods": (*OF_METHODS, *OF_SELECTION),
    "forgetting": ("forgetting",),
    "grid": OF_TRIALS,
}
ALL = [
    (study, name)
    for study in STUDIES
    for name in DRAWN
    if name not in OF_SIZES
    and (study != "two sizes" or name == "sizes")  # the others are the demo's
    and (name in OWN[study] if study in OWN else name not in [*itertools.chain(*OWN.values())])
]


@dataclass(frozen=True)
class Tables:
    """Folders of the tables of each study, and the figures that were drawn from them so far."""

    folder: Path
    drawn: dict[tuple[str, str], Figure] = field(default_factory=dict)

    def figure(self, study: str, name: str) -> Figure:
        """Return a figure, drawn once for all tests."""
        if (study, name) not in self.drawn:
            self.drawn[study, name] = DRAWN[name](self.material(study, name))
        return self.drawn[study, name]

    def material(self, study: str, name: str) -> Material:
        runs, options = STUDIES[study]
        flagged = flag_degenerate(runs, options.degenerate)
        first = next(iter(contrasted(FIGURES[name], options.contrasts)))
        return Material(flagged, self.folder / study, options, "", first)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("tables")
    for study, (runs, options) in STUDIES.items():
        made = study_tables(runs, options, TRAININGS.get(study))
        made |= selection_tables(flag_degenerate(runs, options.degenerate), options)
        (folder / study).mkdir()
        for name, content in made.items():
            content.to_csv(folder / study / f"{name}.csv", index=False)
    return Tables(folder)


@pytest.fixture(autouse=True)
def styled() -> Iterator[None]:
    with style():
        yield


def printed(figure: Figure) -> list[Text]:
    """The visible texts of a figure that is laid out."""
    fix_layout(figure)
    figure.draw_without_rendering()
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def shown_ticks(figure: Figure) -> list[list[Text]]:
    """The tick labels of each axis, those inside its limits only."""
    axes = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)]
    return [
        [
            tick.label2 if tick.label2.get_visible() else tick.label1
            for tick in axis._update_ticks()
            if (tick.label2 if tick.label2.get_visible() else tick.label1).get_text()
        ]
        for axis in axes
    ]


@pytest.mark.parametrize(("study", "name"), ALL)
def test_no_text_is_cut_and_figures_fit_the_page(tables: Tables, study: str, name: str) -> None:
    figure = tables.figure(study, name)
    width, height = figure.get_size_inches()
    assert width <= TWO_COLUMNS
    assert height <= PAGE_HEIGHT
    texts = printed(figure)
    assert texts
    assert not [text for text in texts if "mathdefault" in text.get_text()]
    drawn = figure.get_tightbbox()
    assert min(drawn.x0, drawn.y0) > -0.02
    assert drawn.x1 < width + 0.02
    assert drawn.y1 < height + 0.02


@pytest.mark.parametrize(
    ("study", "name"), [of for of in ALL if of[0] in ("demo", "awkward", *OWN)]
)
def test_labels_of_an_axis_do_not_overlap(tables: Tables, study: str, name: str) -> None:
    figure = tables.figure(study, name)
    printed(figure)
    for labels in shown_ticks(figure):
        boxes = [label.get_window_extent() for label in labels]
        for one, other in itertools.pairwise(boxes):
            # Line boxes of rotated or stacked names may touch by a hair without their ink.
            overlap = (
                min(one.x1, other.x1) - max(one.x0, other.x0),
                (min(one.y1, other.y1) - max(one.y0, other.y0)),
            )
            assert min(overlap) < 2.5, (one, other)


@pytest.mark.parametrize("study", ["demo", "awkward"])
def test_titles_of_panels_do_not_overlap(tables: Tables, study: str) -> None:
    figure = tables.figure(study, "curves")
    printed(figure)
    titles = [panel.title.get_window_extent() for panel in figure.axes if panel.get_title()]
    assert len(titles) > 8
    assert not any(one.overlaps(other) for one, other in itertools.combinations(titles, 2))


def test_figures_come_as_svg_and_pdf_twice_where_the_filter_matters(
    tables: Tables, tmp_path: Path
) -> None:
    runs, options = STUDIES["demo"]
    draw_figures(["heatmap", "sizes"], runs, tables.folder / "demo", options, tmp_path)
    stems = ["heatmap", "heatmap_unfiltered", "sizes"]
    expected = {f"{stem}.{ending}" for stem in stems for ending in ("svg", "pdf")}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_the_same_figure_is_the_same_bytes(tables: Tables, tmp_path: Path) -> None:
    for number in range(2):
        figure = DRAWN["heatmap"](tables.material("demo", "heatmap"))
        save(figure, tmp_path / f"{number}/heatmap.svg")
    for ending in ("svg", "pdf"):
        one, other = (tmp_path / f"{number}/heatmap.{ending}" for number in range(2))
        assert one.read_bytes() == other.read_bytes()


def test_a_figure_is_laid_out_once_and_drawn_once_for_each_file(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    draw = Figure.draw

    def counted(figure: Figure, renderer: RendererBase) -> None:
        times.append(figure.dpi)
        draw(figure, renderer)

    monkeypatch.setattr(Figure, "draw", counted)
    save(DRAWN["heatmap"](tables.material("demo", "heatmap")), tmp_path / "heatmap.svg")
    assert len(times) == 3


def test_fonts_are_embedded(tables: Tables, tmp_path: Path) -> None:
    save(tables.figure("demo", "heatmap"), tmp_path / "heatmap.svg")
    assert "<text" not in (tmp_path / "heatmap.svg").read_text()
    pdf = (tmp_path / "heatmap.pdf").read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S)
    whole = pdf + b"".join(_inflated(stream) for stream in streams)
    assert b"/FontFile2" in whole
    assert b"/Type3" not in whole


def test_notes_stand_below_a_figure_that_stays_as_it_is(tables: Tables, tmp_path: Path) -> None:
    bare, noted = (DRAWN["sizes"](tables.material("demo", "heatmap")) for _ in range(2))
    note = "Stand-ins for published tasks: " + "X-TreeDepth for SE-TreeDepth; " * 5
    save(bare, tmp_path / "bare.svg")
    save(noted, tmp_path / "noted.svg", [note, "A second paragraph."])
    sizes = {name: _points(tmp_path / f"{name}.svg") for name in ("bare", "noted")}
    assert sizes["noted"][0] == sizes["bare"][0]
    assert sizes["noted"][1] > sizes["bare"][1]
    text = noted.texts[-1]
    assert text.get_text().replace("\n", " ").endswith("A second paragraph.")
    box = text.get_window_extent()
    below = 72 * -box.y0 / noted.dpi
    assert box.x1 <= noted.bbox.x1
    assert below <= sizes["noted"][1] - sizes["bare"][1]
    assert [axes.get_position().bounds for axes in noted.axes] == [
        axes.get_position().bounds for axes in bare.axes
    ]


def _points(svg: Path) -> tuple[float, float]:
    """Width and height of an SVG in points."""
    size = re.search(r'<svg [^>]*width="([\d.]+)pt" height="([\d.]+)pt"', svg.read_text())
    assert size is not None
    return float(size[1]), float(size[2])


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_a_long_title_of_a_panel_keeps_the_end_of_its_task_and_its_role() -> None:
    tasks = [f"a task with a name that is wider than a panel, {number}" for number in (1, 2)]
    _, panels = small_panels([f"{task} (intermediate)" for task in tasks * 12], 1.0, 1)
    endings = {axes.get_title()[-16:] for axes in panels}
    assert endings == {"1 (intermediate)", "2 (intermediate)"}
    _, panels = small_panels(["mean over tasks (probing)", *tasks] * 12, 1.0, 1)
    assert panels[0].get_title() == "mean over tasks (probing)"
    assert "…" in panels[1].get_title()
