"""The figure of the answer: each estimate with its interval, and where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from interlude.analysis.answer import COLUMNS
from interlude.analysis.options import Options
from interlude.figures.answer import draw_answer
from interlude.figures.style import COLOURS, MUTED

ARMS = {"arm": "stilts", "against": "single"}


def row(about: str, name: str, source: str, answer: str, *numbers: float) -> dict[str, Any]:
    estimate = dict(zip(("expected", "low", "high"), numbers, strict=False))
    return {**ARMS, "about": about, "name": name, "source": source, "answer": answer, **estimate}


ROWS = [
    {**ARMS, "about": "study", "answer": "helps"},
    row("target", "x", "a", "helps", 3.0, 1.0, 5.0),
    row("target", "y", "b", "may help", 2.0, 0.5, 4.0),
    row("target", "z", "a", "none known", 1.0, -1.0, 3.0),
    row("target", "w", np.nan, "cannot be estimated"),  # type: ignore[arg-type]
    row("source", "a", "a", "", 2.0, -1.0, 4.0),
    row("source", "b", "b", "", -3.0, -5.0, -1.0),
]


def test_each_estimate_stands_in_its_row() -> None:
    answer = pd.DataFrame(ROWS, columns=COLUMNS)
    other = answer.assign(arm="mtl")
    figure = draw_answer(pd.concat([answer, other]), Options(titles={"x": "X"}))
    targets, sources = figure.axes
    assert [tick.get_text() for tick in targets.get_yticklabels()] == ["X: a", "y: b", "z: a", "w"]
    assert [tick.get_text() for tick in sources.get_yticklabels()] == ["a", "b"]
    shown = [[line.get_xdata()[0], line.get_ydata()[0]] for line in targets.lines[1:]]  # type: ignore[index]
    assert shown == [[3.0, 0], [2.0, 1], [1.0, 2]]
    filled = [to_hex(line.get_markerfacecolor()) for line in targets.lines[1:]]  # type: ignore[arg-type]
    assert filled == [COLOURS[0].lower(), "#ffffff", "#ffffff"]
    bars = [each.get_segments()[0][:, 0].tolist() for each in targets.collections]  # type: ignore[attr-defined]
    assert bars == [[1.0, 5.0], [0.5, 4.0], [-1.0, 3.0]]
    assert [text.get_text() for text in targets.texts] == [" cannot be estimated"]
    colours = [to_hex(each.get_edgecolor()[0]) for each in sources.collections]  # type: ignore[index]
    assert colours == [MUTED.lower(), COLOURS[3].lower()]


def test_without_an_estimate_the_figure_says_so() -> None:
    unknown = pd.DataFrame([{"about": "study", "answer": "cannot be estimated"}], columns=COLUMNS)
    (text,) = draw_answer(unknown, Options()).texts
    assert text.get_text() == "Nothing to show: no difference can be estimated."
