"""What the terminal and the report show of the answer's page. Snakemake's main process imports it,
so it imports no more than it needs.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([\\`*_<>|])")
_HEADING, _ITEM = "## ", "- "


def as_text(markdown: str) -> str:
    """Return what the terminal shows of a page."""
    blocks = []
    for heading, lines in sections_of(markdown):
        if heading:
            blocks.append(f"{heading}:")
        blocks.append("\n".join(f"{_ITEM if heading else ''}{line}" for line in lines))
    return "\n\n".join(blocks).strip() + "\n"


def sections_of(markdown: str) -> list[tuple[str, list[str]]]:
    """Return the headings of a page of `as_markdown`, each with its lines; not title and figure.

    Lines that are no list stand below an empty heading.
    """
    sections: list[tuple[str, list[str]]] = []
    for line in filter(None, markdown.splitlines()):
        text = _ESCAPED.sub(r"\1", line.removeprefix(_HEADING).removeprefix(_ITEM))
        if line.startswith(_HEADING):
            sections.append((text, []))
        elif line.startswith(_ITEM) and sections:
            sections[-1][1].append(text)
        elif not line.startswith(("# ", "![")):
            sections.append(("", [text]))
    return sections
