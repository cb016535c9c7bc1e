"""Text that can only be meant as a number, or as true or false, where one of these is due.

YAML 1.1 reads 2e-5 as text, and `--config flag=false` passes text too. Only the key shows what the
text stands for, so this is decided where the type of a key is known: a label "1e5" stays text.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable
from typing import Any

import yaml
from pydantic_core import ErrorDetails

_WITH_EXPONENT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+")  # a number of YAML 1.2


def as_meant(document: Any, faults: Iterable[ErrorDetails]) -> Any:
    """Return the document with each such text replaced; the same one where there is none.

    faults: the errors that a model reported for the document.
    """
    corrected = [(fault["loc"], value) for fault in faults if (value := _meant(fault)) is not None]
    if not corrected:
        return document
    whole = copy.deepcopy(document)
    for place, value in corrected:
        _put(whole, place, value)
    return whole


def _meant(fault: ErrorDetails) -> float | bool | None:
    text = fault["input"]
    if not isinstance(text, str):
        return None
    if fault["type"] == "float_type" and _WITH_EXPONENT.fullmatch(text):
        return number if math.isfinite(number := float(text)) else None
    return _truth(text) if fault["type"] == "bool_type" else None


def _truth(text: str) -> bool | None:
    """Return true for what YAML reads as true: true, yes, on; likewise false."""
    try:
        read = yaml.safe_load(text) if text.isalpha() else None
    except yaml.YAMLError:
        return None
    return read if isinstance(read, bool) else None


def _put(document: Any, place: Iterable[int | str], value: Any) -> None:
    """Replace the value at a place; its parts that are no keys name one of several kinds."""
    around, key = None, None
    for part in place:
        within = document if around is None else around[key]
        if part in within if isinstance(within, dict) else isinstance(part, int):
            around, key = within, part
    if around is not None:
        around[key] = value
