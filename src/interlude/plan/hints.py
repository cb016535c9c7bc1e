"""What YAML made of a value, and how to write what is meant instead, in a user's words."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from interlude.errors import shown_key

LONGEST = 200  # characters of a value in a message
_YAML = {None: "null", True: "true", False: "false"}
_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "true or false"),
    (int | float, "a number"),
    (str, "text"),
    (list, "a list"),
    (date, "a date"),
    (dict, "a mapping"),
    (type(None), "nothing"),
)
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 100
_SHORT.maxlist = _SHORT.maxdict = 8


def shown(value: Any) -> str:
    """Return a value as a message shows it: one short line; null, true and false as in YAML."""
    if value is None or isinstance(value, bool):
        return _YAML[value]
    text = str(value) if isinstance(value, date) else _SHORT.repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def in_words(value: Any) -> str:
    """Return what kind of value it is."""
    return next((words for kind, words in _KINDS if isinstance(value, kind)), "data")


def how_to_write(fault: str, value: Any) -> str:
    """Return ' …', how to write the intended value, by the type of pydantic's error; or ''."""
    hint = _HINTS.get(fault)
    return hint(value) if hint else ""


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        word = "yes" if value else "no"
        return (
            " YAML reads no, yes, on and off as true or false: write the word in quotes, "
            f'such as "{word}".'
        )
    if isinstance(value, int | float | date):
        return f' YAML reads {in_words(value)}: write it in quotes, such as "{value}".'
    return ""


def _as_number(value: Any) -> str:
    """Return a hint for 2e-5, which is text in YAML 1.1, and for numbers in quotes."""
    number = _number(value)
    if number is None:
        return ""
    if "e" in value.lower():
        return f" YAML reads {value.strip()} as text: write {_written(number)}."
    return f" It is text: in a file, write {_written(number)} without quotes."


def _as_list(value: Any) -> str:
    if isinstance(value, str) and value.isprintable():
        return f" Write a list in brackets: [{shown_key(value[:100])}]."
    one = isinstance(value, bool | int | float)
    return f" Write a list in brackets: [{shown(value)}]." if one else ""


_HINTS: Mapping[str, Callable[[Any], str]] = {
    "string_type": _as_text,
    "literal_error": _as_text,
    "int_type": _as_number,
    "float_type": _as_number,
    "list_type": _as_list,
    "tuple_type": _as_list,
}


def _number(text: Any) -> float | None:
    """Return the finite number that a text is; None for another value."""
    try:
        number = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _written(number: float) -> str:
    """Return a number as YAML reads it: 2.0e-5 for 2e-05, and 3 for 3.0."""
    if number.is_integer() and abs(number) < 2**53:
        return str(int(number))
    digits, _, power = repr(number).partition("e")
    whole = digits if "." in digits else f"{digits}.0"
    return f"{whole}e{int(power):+d}" if power else whole
