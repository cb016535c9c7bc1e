"""A text, its possible answers, and which of them is right."""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from interlude.errors import few
from interlude.forms.columns import TEXT, TEXTS, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.listed import parsed
from interlude.forms.names import is_missing, same_name, whole_number
from interlude.forms.values import (
    RowError,
    Task,
    as_texts,
    first_number,
    label_of,
    label_value,
    listed,
    resolved,
    shown,
    text_of,
    value_of,
)


def _normalised(row: Row, task: Task) -> Row:
    values = _values(row, task)
    choices = as_texts(values, "choices")
    right = label_of(row, task) if task.labels else _right(row, task, values)
    if right >= len(choices):
        raise RowError(f"key label: found {right}. Allowed: 0 to {len(choices) - 1}.")
    return {"text": text_of(row, task, "text"), "choices": choices, "label": right}


def _values(row: Row, task: Task) -> list[Any]:
    """Return the choices: of one column with a list or by label, or one of each of several."""
    declared = task.columns["choices"]
    if isinstance(declared, list):
        return [resolved(row, each, "choices", named=True) for each in declared]
    value = value_of(row, task, "choices", named=True)
    if isinstance(value, str):
        value = parsed(value) or value
    return _in_order(value, task) if isinstance(value, dict) else listed(value, "choices")


def _in_order(options: dict[str, Any], task: Task) -> list[Any]:
    """Return choices that stand under their labels, in the order of these."""
    given = [name for name, option in options.items() if not is_missing(option)]
    labels = task.labels[: len(given)]
    if not given or sorted(given) != sorted(labels):
        allowed = few(labels) if task.labels else f"labels that name them, such as [{few(given)}]"
        raise RowError(f"key choices: found options called {few(given)}. Allowed: {allowed}.")
    return [options[name] for name in labels]


def _right(row: Row, task: Task, values: list[Any]) -> int:
    """Return the place of the right choice, of its number or its text: that which fits alone."""
    label = label_value(value_of(row, task, "label", named=True), task, "label")
    by_number = [] if task.labels_from == "choices" else _by_number(label, task, values)
    by_text = [] if task.labels_from in (0, 1) else _by_text(label, task, values)
    places = sorted({*by_number, *by_text})
    if len(places) == 1:
        return places[0]
    raise RowError(f"key label: found {shown(label)}{_why(label, task, values, places)}")


def _by_number(label: Any, task: Task, values: list[Any]) -> list[int]:
    number = whole_number(label)
    place = -1 if number is None else number - first_number(task)
    return [place] if 0 <= place < len(values) else []


def _by_text(label: Any, task: Task, values: list[Any]) -> list[int]:
    """Return the places of the choices that a label is; undeclared, a number is no text."""
    same = [place for place, value in enumerate(values) if same_name(value) == same_name(label)]
    if task.labels_from == "choices":
        return same
    return [place for place in same if isinstance(values[place], str) == isinstance(label, str)]


def _why(label: Any, task: Task, values: list[Any], places: list[int]) -> str:
    """Return the rest of a message on a label that is no choice, or may be several."""
    first = first_number(task)
    if places:
        named = " and ".join(f"{place + first} ({shown(values[place])})" for place in places)
        return f", which may be choice {named}. Say in labels_from what it is: 0, 1 or choices."
    numbers = f"{first} to {first + len(values) - 1}"
    ways = {"choices": "the text of one choice", 0: numbers, 1: numbers}
    allowed = ways.get(task.labels_from, f"{numbers}, or the text of one choice")
    return f". Allowed: {allowed}.{_hint(label, task, len(values))}"


def _hint(label: Any, task: Task, choices: int) -> str:
    """Return ' …', how to declare letters and numbers from 1, else an empty string."""
    letters = ascii_uppercase[:choices]
    if isinstance(label, str) and label and label.upper() in letters:
        names = ", ".join(letters if label in letters else letters.lower())
        return f" Letters are declared: labels: [{names}]."
    from_1 = task.labels_from is None and whole_number(label) == choices
    return " Numbers that count from 1 need labels_from: 1." * from_1


def _unnamed(row: Row, task: Task, key: str) -> list[Any]:
    """Return no labels: where none are declared, the column holds the index of the right choice."""
    return []


COLUMNS = Columns(_normalised, {"text": TEXT, "choices": TEXTS, "label": WHOLE}, labels=_unnamed)
