"""The look of every figure: sizes, fonts and colours, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from interlude.figures.labels import POINTS_PER_INCH, wrapped
from interlude.files import written_atomically

# Widths of one and two columns of an ACL page, and its height, in inches.
ONE_COLUMN = 3.03
TWO_COLUMNS = 6.3
PAGE_HEIGHT = 9.7

# Okabe and Ito 2008: distinct with any kind of colour vision; black last, for the baseline.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# Colour and marker of points that are drawn by role.
OF_ROLE = {"target": (COLOURS[0], MARKERS[0]), "probing": (COLOURS[1], MARKERS[2])}
# Red and blue with a light middle are distinct to the colour blind; the paper uses them as well.
DIVERGING = "RdBu"
UNKNOWN = "#E8E8E8"
MUTED = "#6B6B6B"
OTHERS = "#B8B8B8"  # what is drawn beside what has a colour, and is not distinguished

_NOTE_SIZE = 6.0  # points
_LINE_SPACING = 1.4
_MARGIN = 0.05  # inches

_STYLE: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures are the same everywhere
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "hatch.linewidth": 0.4,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "text.parse_math": False,  # a task name may hold a dollar sign
    "figure.constrained_layout.h_pad": 0.06,  # a rotated label is up to 2 points longer in a PDF
    "figure.constrained_layout.w_pad": 0.03,
    "pdf.fonttype": 42,  # embedded TrueType: journals refuse Type 3
    "svg.fonttype": "path",  # letters as outlines: no font is needed to show them
    "svg.hashsalt": "interlude",  # the same figure is the same bytes
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save figures inside this context."""
    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that keeps its labels inside its borders."""
    return Figure(figsize=(width, height), layout="constrained")


def message_figure(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    figure = new_figure(ONE_COLUMN, 0.8)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=MUTED, wrap=True)
    return figure


def fix_layout(figure: Figure) -> None:
    """Lay the figure out now, and not again whenever it is drawn: layout takes most of the time."""
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine(None)


def save(figure: Figure, svg: Path, notes: Sequence[str] = ()) -> None:
    """Write a figure as SVG and, beside it, as PDF; without dates, so that bytes repeat.

    notes: a paragraph each, below the figure, which grows by as much.
    """
    fix_layout(figure)
    box = _with_notes(figure, notes) if notes else None
    for path, metadata in (
        (svg, {"Date": None}),
        (svg.with_suffix(".pdf"), {"CreationDate": None}),
    ):
        with written_atomically(path) as draft:
            figure.savefig(draft, format=path.suffix[1:], metadata=metadata, bbox_inches=box)


def _with_notes(figure: Figure, notes: Sequence[str]) -> Bbox:
    """Write notes below the figure and return what is to be saved, in inches.

    The figure itself is laid out already, and stays as it is.
    """
    width, height = figure.get_size_inches()
    lines = [line for note in notes for line in wrapped(note, width - 2 * _MARGIN, _NOTE_SIZE)]
    text = "\n".join(lines)
    look: dict[str, Any] = {
        "va": "top",
        "size": _NOTE_SIZE,
        "linespacing": _LINE_SPACING,
        "in_layout": False,
    }
    figure.text(_MARGIN / width, 0, text, **look)
    below = len(lines) * _LINE_SPACING * _NOTE_SIZE / POINTS_PER_INCH + _MARGIN
    return Bbox.from_extents(0, -below, width, height)
