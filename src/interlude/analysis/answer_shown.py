"""What the terminal and the report show of the answer's page. Snakemake's main process imports it,
so it imports no more than it needs.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable

_LINE = 1000  # characters
_ESCAPED = re.compile(r"\\([\\`*_<>|])")


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


def _plain(line: str) -> str:
    return re.sub(r"([^\w\s])", r"\\\1", line)
