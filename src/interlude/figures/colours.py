"""Which sources have a colour of their own, where there are more than can be distinguished."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd
from matplotlib.lines import Line2D

from interlude.figures.style import COLOURS, OTHERS

*_OF_SOURCES, BASELINE = COLOURS
Dashes = Literal["-", "--"]
FEW = len(_OF_SOURCES)
_AT_EITHER_END = 3


def colours_of(
    levels: pd.Series[float], without_source: Sequence[str] = (), few: int = FEW
) -> dict[str, str]:
    """Return name -> colour, those with a colour of their own first; all others have the same grey.

    levels: as of `apart`. without_source: names that always have a colour; the first is the
    baseline, and black. few: how many others have one, in colours that repeat.
    """
    ranked = levels.drop(labels=list(without_source), errors="ignore")
    own = [*without_source[1:], *apart(ranked, few - len(without_source[1:]))]
    colours = dict.fromkeys(without_source[:1], BASELINE)
    colours |= {name: _OF_SOURCES[number % FEW] for number, name in enumerate(own)}
    return colours | {name: OTHERS for name in map(str, ranked.index) if name not in colours}


def apart(levels: pd.Series[float], few: int = FEW) -> list[str]:
    """Return the names with a colour of their own: all of a few, else the 3 highest and lowest.

    levels: name -> how high it lies, in the order of names; one that is not known is at no end.
    """
    names = list(map(str, levels.index))
    if len(names) <= few:
        return names
    ranked = list(map(str, levels.dropna().sort_values(ascending=False, kind="stable").index))
    return [*ranked[:_AT_EITHER_END], *ranked[_AT_EITHER_END:][-_AT_EITHER_END:]]


def others_of(colours: dict[str, str]) -> str:
    """Return what a legend calls all that have no colour of their own; nothing where all have."""
    count = list(colours.values()).count(OTHERS)
    return f"{count} others" if count else ""


def lines_of(
    colours: dict[str, str], dashes: dict[str, Dashes] | None = None
) -> tuple[list[Line2D], list[str]]:
    """Return what a legend shows of lines in these colours: handles, and their names."""
    named = {name: colour for name, colour in colours.items() if colour != OTHERS}
    named |= {name: OTHERS for name in [others_of(colours)] if name}
    lines = {name: Line2D([], [], color=colour) for name, colour in named.items()}
    for name, style in (dashes or {}).items():
        lines[name].set_linestyle(style)
    return [*lines.values()], [*lines]


def levels_of(table: pd.DataFrame, name: str, value: str, panels: list[str]) -> pd.Series[float]:
    """Return how far each name lies above the mean of its panels, in order of appearance.

    table: columns name and value, and those that identify panels.
    """
    means = table.groupby([*panels, name], sort=False)[value].mean()
    above = means - means.groupby(level=panels, sort=False).transform("mean")
    return above.groupby(level=name, sort=False).mean().reindex(table[name].unique())
