"""The answer as a page in Markdown, and what the terminal and the report show of it."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable, Sequence

import pandas as pd

from interlude.analysis.answer import SOURCE, STUDY, TARGET
from interlude.analysis.options import Options
from interlude.analysis.results import in_order

NOTE = (
    "Differences are in points (score × 100). An estimate in points [interval] is drawn towards "
    "the mean of its source, as far as its restarts say little; a source is known to help where it "
    "survives Holm's correction."
)
_BLOCKS = {TARGET: "By target", SOURCE: "By source, over all targets"}
_LINE = 1000  # characters
_MARKS = re.compile(r"([\\`*_<>|])")
_ESCAPED = re.compile(r"\\([\\`*_<>|])")

Section = tuple[str, list[str]]  # a heading, and the lines below it; a list where it has a heading


def sections(answer: pd.DataFrame, warnings: Sequence[str], options: Options) -> list[Section]:
    """Return the answer as headings with lines: on the whole, by target, by source, warnings.

    answer: of `answer.answer_table`.
    """
    found: list[Section] = []
    several = len(options.contrasts) > 1
    compared = answer["arm"].fillna("") + " against " + answer["against"].fillna("")
    for name in in_order(compared):
        own = answer[compared == name]
        of = f"{name}: " if several else ""
        whole = own.loc[own["about"] == STUDY, "sentence"]
        found.append(("", [f"{of}{line}" for line in whole]))
        for about, heading in _BLOCKS.items():
            lines = own.loc[own["about"] == about, "sentence"].tolist()
            found += [(f"{heading} ({name})" if several else heading, lines)] if lines else []
    return [*found, ("Warnings", list(warnings) or ["None."]), ("", [NOTE])]


def as_markdown(study: str, parts: Sequence[Section], figure: str) -> str:
    """Return a page; figure: its address, beside the page."""
    blocks = [f"# The answer of study {study}"]
    for heading, lines in parts:
        blocks += [f"## {heading}"] if heading else []
        blocks.append(
            "\n".join(f"- {_escaped(line)}" if heading else _escaped(line) for line in lines)
        )
    return "\n\n".join([*blocks, f"![The estimates]({figure})\n"])


def as_text(markdown: str) -> str:
    """Return what the terminal shows of a page."""
    return _again(markdown, lambda heading: f"{heading}:", str)


def as_rst(markdown: str, svg: bytes) -> str:
    """Return a page as reStructuredText, in which every line of it stays text, with its figure."""
    text = _again(markdown, lambda heading: f"**{_plain(heading)}**", _plain)
    # An address may go over several lines, and has to: docutils refuses long ones.
    address = textwrap.wrap(f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}", _LINE)
    image = textwrap.indent("\n".join([*address, ":alt: The estimates", ":width: 100%"]), "   ")
    return f"{text}\n.. image:: {image.lstrip()}\n"


def _again(markdown: str, heading: Callable[[str], str], shown: Callable[[str], str]) -> str:
    """Return a page of `as_markdown` in another form, without its title and its figure."""
    lines = []
    for line in markdown.splitlines():
        if not line.startswith(("# ", "![")):
            mark = next((mark for mark in ("## ", "- ") if line.startswith(mark)), "")
            text = _ESCAPED.sub(r"\1", line.removeprefix(mark))
            lines.append(heading(text) if mark == "## " else f"{mark}{shown(text)}")
    return "\n".join(lines).strip() + "\n"


def _escaped(line: str) -> str:
    return _MARKS.sub(r"\\\1", " ".join(line.split()))


def _plain(line: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", line)
