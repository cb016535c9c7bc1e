"""Names and numbers as they are printed, made to fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

# Type sizes in points. Smaller type can not be read on paper.
LARGEST_TYPE = 6.5
SMALLEST_TYPE = 3.9
POINTS_PER_INCH = 72
_BETWEEN = "    "  # two parts of a line


def text_width(label: str, size: float = LARGEST_TYPE) -> float:
    """Return the width of a printed label in inches; size in points."""
    return _unit_width(label) * size / POINTS_PER_INCH


def fitted(label: str, width: float, size: float = LARGEST_TYPE) -> str:
    """Return a label that is no wider than `width` inches: a long one loses its middle."""
    kept = len(label)
    shown = label
    while text_width(shown, size) > width and kept > 2:
        kept -= 1
        shown = f"{label[: (kept + 1) // 2]}…{label[len(label) - kept // 2 :]}"
    return shown


def wrapped(text: str, width: float, size: float = LARGEST_TYPE) -> list[str]:
    """Return a text as lines that are no wider than `width` inches, but for longer words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def joined(parts: Sequence[str], width: float, size: float = LARGEST_TYPE) -> list[str]:
    """Return parts beside one another, as lines that are no wider than `width` inches.

    A part that is wider by itself is broken between its words.
    """
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{_BETWEEN}{part}" if lines else part
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines += wrapped(part, width, size)
    return lines


def points(score: float) -> str:
    """Return a score with one decimal; nothing for a missing one."""
    return "" if math.isnan(score) else f"{score:.1f}"


def signed(difference: float) -> str:
    """Return a difference with its sign and one decimal; nothing for a missing one."""
    if math.isnan(difference):
        return ""
    text = f"{difference:+.1f}".replace("-", "−")
    return "0.0" if text[1:] == "0.0" else text


def coefficient(rho: float) -> str:
    """Return two decimals without the leading zero; nothing for a missing correlation."""
    if math.isnan(rho):
        return ""
    size = f"{abs(rho):.2f}".removeprefix("0")
    return f"−{size}" if rho < 0 and size != ".00" else size


@cache
def _unit_width(label: str) -> float:
    width, _, _ = text_to_path.get_text_width_height_descent(label, FontProperties(size=1), False)
    return float(width)
