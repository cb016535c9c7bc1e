"""Lists and mappings that a table holds as text: in JSON, as Python prints them, or numpy.

Read only where the text is unambiguous: all of it is one list or mapping of texts, numbers, true,
false and nothing, with one kind of separator in each list, commas or blanks.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any, NoReturn

_BRACKETED = re.compile(r"\s*(?:\[.*\]|\{.*\}|\(.*\)|(?:array|list)\(.*\))\s*", re.DOTALL)
_OF_TEXTS = re.compile(r"""\s*(?:(?:array|list)\()?\[(?:\n\s*)?['"].*[\])]\s*""", re.DOTALL)
_PIECE = re.compile(
    r"""\s*(?:
    (?P<value>'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | True | False | None
        | [-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<open>(?:array|list)\( | [\[({])
    | (?P<close>,\s*dtype=[\w<>'"\[\]]+\) | [\])}])
    | (?P<mark>[,:])
    )\s*""",
    re.DOTALL | re.VERBOSE,
)


def parsed(text: str) -> Any:
    """Return the list or the mapping that a text is for certain, else None."""
    if not _BRACKETED.fullmatch(text):
        return None
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = _printed(text)
    return value if isinstance(value, list | dict) else None


def looks_listed(text: str) -> bool:
    """Return whether a text is in brackets with a quote next to the first, as no sentence is."""
    return _OF_TEXTS.fullmatch(text) is not None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _printed(text: str) -> Any:
    """Return the value of which a text is the print in Python, or of a numpy array; else None."""
    literal = _with_commas(text)
    try:
        value = ast.literal_eval(literal) if literal else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return list(value) if isinstance(value, tuple) else value


def _with_commas(text: str) -> str | None:
    """Return a print as a Python literal: numpy puts blanks where Python has commas.

    None where a list has both, or what is no list has blanks, or for what is no print.
    """
    written: list[str] = []
    levels: list[set[str]] = []  # the bracket of each open list, and what separates its items
    place, before = 0, ""
    while piece := _PIECE.match(text, place):
        kind, place = str(piece.lastgroup), piece.end()
        if levels and kind in ("value", "open") and before in ("value", "close"):
            levels[-1].add(" ")
            written.append(",")
        if kind == "open":
            levels.append({piece["open"][-1]})
        elif not levels:
            return None
        elif piece["mark"] == ",":
            levels[-1].add(",")
        elif kind == "close" and " " in (level := levels.pop()) and level & set(",{("):
            return None
        # array([1], dtype=int64) is ([1]).
        written.append(piece[kind][-1] if kind in ("open", "close") else piece[kind])
        before = kind
    return "".join(written) if place == len(text) and not levels else None
