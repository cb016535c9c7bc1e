"""The answer as a page in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from interlude.analysis.answer import SOURCE, STUDY, TARGET
from interlude.analysis.options import Options
from interlude.analysis.results import in_order
from interlude.words import NO_SOURCE

NOTE = (
    "Differences are in points (score × 100). An estimate in points [interval] is drawn towards "
    "the mean of its source, as far as its restarts say little; a source is known to help where it "
    "survives Holm's correction."
)
_MARKS = re.compile(r"([\\`*_<>|])")

Section = tuple[str, list[str]]  # a heading, and the lines below it; a list where it has a heading


def sections(answer: pd.DataFrame, warnings: Sequence[str], options: Options) -> list[Section]:
    """Return the answer as headings with lines: on the whole, by target, by source, warnings.

    answer: of `answer.answer_table`.
    """
    parts: list[Section] = []
    several = len(options.contrasts) > 1
    compared = answer["arm"].fillna("") + " against " + answer["against"].fillna("")
    for name in in_order(compared):
        own = answer[compared == name]
        of = f"{name}: " if several else ""
        whole = own.loc[own["about"] == STUDY, "sentence"]
        parts.append(("", [f"{of}{line}" for line in whole]))
        for about, heading in _blocks(own).items():
            lines = own.loc[own["about"] == about, "sentence"].tolist()
            parts += [(f"{heading} ({name})" if several else heading, lines)] if lines else []
    return [*parts, ("Warnings", list(warnings) or ["None."]), ("", [NOTE])]


def _blocks(answer: pd.DataFrame) -> dict[str, str]:
    """Return what the lines of a contrast are about, and the heading above them."""
    sourced = (answer.loc[answer["about"] == SOURCE, "source"] != NO_SOURCE).any()
    return {TARGET: "By target", SOURCE: f"{'By source, o' if sourced else 'O'}ver all targets"}


def as_markdown(study: str, parts: Sequence[Section], figure: str) -> str:
    """Return a page; figure: its address, beside the page."""
    blocks = [f"# The answer of study {study}"]
    for heading, lines in parts:
        blocks += [f"## {heading}"] if heading else []
        blocks.append(
            "\n".join(f"- {_escaped(line)}" if heading else _escaped(line) for line in lines)
        )
    return "\n\n".join([*blocks, f"![The estimates]({figure})\n"])


def _escaped(line: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(line.split()))
