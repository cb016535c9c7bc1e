"""Cut English prose into sentences by rules, and keep only those that are surely whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BOUNDARY = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Mt|Ft|Jr|Sr|Gen|Col|Lt|Sgt|Capt|Rev|Gov|Sen|Rep|Hon|No|Nos|Vol"
    r"|Inc|Co|Corp|Ltd|Bros|vs|cf|ca|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)"
    r"|\b[A-Za-z])\.$"
)
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
# No quotes, brackets or formulas, and no mark that ends a sentence inside of it but in 3.5.
_PLAIN = re.compile(r"[A-Z](?:[^\W_]|[ ,;:'%$&/–-]|(?<=\d)\.(?=\d))+[a-z0-9]\.")


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text that are plain prose, from a capital letter to a full stop.

    Parentheses are removed. A doubtful piece is left out: one with an abbreviation or a quote, or
    with too many names and numbers to be prose.
    """
    plain = " ".join(_PARENTHESIS.sub("", text).split())
    for piece in _joined(_BOUNDARY.split(plain)):
        if _PLAIN.fullmatch(piece) and _is_prose(piece.split()):
            yield piece


def _joined(pieces: list[str]) -> Iterator[str]:
    """Undo cuts after an abbreviation or an initial."""
    pending = ""
    for piece in pieces:
        pending = f"{pending} {piece}".strip()
        if not _ABBREVIATION.search(pending):
            yield pending
            pending = ""
    if pending:
        yield pending


def _is_prose(words: list[str]) -> bool:
    return sum(word.islower() for word in words) * 5 > len(words) * 2
