"""A look as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent, shorten, wrap

from interlude.look.examples import Example, Piece, visible
from interlude.look.facts import Group, Look

WIDTH = 100  # of a line
MOST = 600  # characters of a sequence; the page has them all


def as_text(look: Look) -> str:
    """Return the lines of a look. No character of the data can steer a terminal."""
    parts = [_head(look), _table(look.groups), *map(_line, map(visible, look.notes))]
    parts += ["", "Examples to train on, as the model sees them", *map(_example, look.examples)]
    parts += ["", *_warnings(look.warnings)]
    return "\n".join(parts) + "\n"


def _head(look: Look) -> str:
    about = {key: visible(value) for key, value in look.about.items()}
    lines = [
        f"{about['name']}: {about['title']} (form {about['form']}, metric {about['metric']})",
        about["description"],
        f"data: {about['revision']}; model: {about['model']}",
    ]
    return "\n".join(_line(line) for line in lines) + "\n"


def _table(groups: list[Group]) -> str:
    lines = [("", "train", "validation")]
    for group in groups:
        if group.title:
            lines.append((group.title, "", ""))
        inner = "  " if group.title else ""
        for name, (train, validation) in group.rows.items():
            shown = shorten(visible(name), 40, placeholder="…")
            lines.append((inner + shown, train.text, validation.text))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    return "\n".join(
        f"{name:<{widths[0]}}  {train:<{widths[1]}}  {validation}".rstrip()
        for name, train, validation in lines
    )


def _example(example: Example) -> str:
    lines = [f"\n{example.name}, {example.tokens} tokens"]
    for sequence in example.sequences:
        lines.append(indent(_line(_shown(sequence)), "  "))
    lines += [indent(_line(f"{name}: {_cut(text)}"), "  ") for name, text in example.asked]
    return "\n".join(lines)


def _shown(sequence: list[Piece]) -> str:
    return _cut(" ".join(piece.text for piece in sequence))


def _cut(text: str) -> str:
    more = len(text) - MOST
    return text if more <= 0 else f"{text[:MOST]} … ({more:,} characters more)"


def _warnings(warnings: list[str]) -> Iterator[str]:
    yield "Warnings" if warnings else "No warnings"
    yield from (_line(visible(f"- {warning}.")) for warning in warnings)


def _line(text: str) -> str:
    return "\n".join(wrap(text, WIDTH, break_on_hyphens=False)) or ""
