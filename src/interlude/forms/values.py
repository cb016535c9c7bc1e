"""Read values out of a source row: columns, parts of columns and templates, checked for a type.

For the forms, which make their normalised columns of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

from interlude.errors import did_you_mean, few
from interlude.forms.examples import Row
from interlude.forms.listed import looks_listed, parsed
from interlude.forms.names import (
    are_numbers,
    is_blank,
    is_missing,
    label_place,
    same_name,
    whole_number,
    written,
)

_HALF = re.compile(r"[\ud800-\udfff]")
_FIELD = re.compile(r"\{([^{}]+)\}")


class RowError(Exception):
    """A row that breaks its form; the message names the key, what was found, what is allowed."""


class MissingError(RowError):
    """A row that lacks a value which its form needs. reason: for the count of dropped rows."""

    def __init__(self, key: str, where: str = "") -> None:
        self.reason = f"nothing in {key}"
        super().__init__(
            f"key {key}: found nothing{where and f' in {where}'}. Allowed: a value; "
            "missing: drop leaves out the rows without one."
        )


class AbsentError(MissingError):
    """A row without a column, which others may have; or none has, where its name is misspelt."""

    def __init__(self, key: str, name: str, row: Row) -> None:
        super().__init__(key)
        hint = did_you_mean(name, list(row))
        self.args = (f"key columns.{key}: no column {name!r}.{hint} Found: {few([*row], 40)}.",)


class Task(Protocol):
    """What is read of a task: what stands for each normalised column, and what labels are."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """For each normalised column, the source column or a template."""

    @property
    def labels(self) -> list[str]:
        """Names of the labels, in the order of their numbers."""

    @property
    def labels_from(self) -> int | str | None:
        """What a number counts from, or 'choices' where the label is the text of one."""

    @property
    def missing_values(self) -> list[str]:
        """What stands for nothing where a name or a number belongs."""


def value_of(row: Row, task: Task, key: str, *, named: bool = False) -> Any:
    """Return what a row holds for a normalised column, as the task file declares it."""
    return resolved(row, task.columns[key], key, named=named)


def resolved(row: Row, declared: Any, key: str, *, named: bool = False) -> Any:
    """Return what a column name, or a template such as 'Q: {stem}', stands for in a row.

    A template with a list-valued column gives a list: one text for each element. A mapping says
    how such texts are joined.
    named: it names something, so a text of white space is no value.
    Raises MissingError where a column, or one of a template's, has no value.
    """
    if isinstance(declared, dict):
        return declared["between"].join(_pieces(row, declared["join"], key))
    names = _FIELD.findall(declared)
    values = {name: _column(row, name, key) for name in names or [declared]}
    _check_there(values, key, "", named)
    if not names:
        return values[declared]
    sizes = {len(value) for value in values.values() if isinstance(value, list)}
    if not sizes:
        return _filled(declared, values, key)
    if len(sizes) > 1:
        found = f"found lists of {min(sizes)} and {max(sizes)}"
        raise RowError(f"key {key}: {found}. Allowed: as many in each.")
    texts = []
    for place in range(sizes.pop()):
        element = {n: v[place] if isinstance(v, list) else v for n, v in values.items()}
        _check_there(element, key, f"item {place + 1} of ", named)
        texts.append(_filled(declared, element, key))
    return texts


def _check_there(values: Row, key: str, of: str, named: bool) -> None:
    """Raise MissingError for the first column without a value."""
    for name, value in values.items():
        if is_blank(value) if named else is_missing(value):
            raise MissingError(key, f"{of}column {name!r}")


def _pieces(row: Row, declared: str, key: str) -> list[str]:
    """Return the texts that are to be joined; RowError for anything else."""
    pieces = listed(resolved(row, declared, key), key)
    for place, piece in enumerate(pieces, start=1):
        if is_missing(piece):
            raise MissingError(key, f"item {place}")
        if not isinstance(piece, str):
            raise RowError(f"key {key}, item {place}: found {shown(piece)}. Allowed: text.")
    return pieces


def _filled(template: str, values: Row, key: str) -> str:
    texts = {name: as_text(value, f"key {key}, column {name!r}") for name, value in values.items()}
    return _FIELD.sub(lambda field: texts[field[1]], template).strip()


def _column(row: Row, name: str, key: str) -> Any:
    """Return a column, or a part of one: `choices.text` of a mapping, or of each in a list;
    `starts.0` of a list. A mapping or a list may be written as text.
    """
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        value = parsed(value) if isinstance(value, str) else value
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif value and isinstance(value, list) and all(_has(each, part) for each in value):
            value = [each[part] for each in value]
        else:
            raise AbsentError(key, name, row)
    return value


def _has(value: Any, part: str) -> bool:
    return isinstance(value, dict) and part in value


def number_of(row: Row, task: Task, key: str) -> float:
    """Return a finite number, which may be written as text; RowError for anything else."""
    value = required(value_of(row, task, key, named=True), task, key)
    try:
        number = math.nan if isinstance(value, bool) or "_" in str(value) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise RowError(f"key {key}: found {shown(value)}. Allowed: a finite number.")
    return number


def whole_of(row: Row, task: Task, key: str) -> int:
    """Return a whole number, which may be written as text; RowError for anything else."""
    value = required(value_of(row, task, key, named=True), task, key)
    number = whole_number(value)
    if number is None:
        raise RowError(f"key {key}: found {shown(value)}. Allowed: a whole number.")
    return number


def name_of(row: Row, task: Task, key: str) -> str:
    """Return what names something: a group, a question. 1, 1.0 and '1.0' are one name."""
    return same_name(required(value_of(row, task, key, named=True), task, key))


def required(value: Any, task: Task, key: str) -> Any:
    """Return a value where a name or a number belongs; MissingError for what stands for none."""
    if is_blank(value) or written(value) in task.missing_values:
        raise MissingError(key)
    return value


def text_of(row: Row, task: Task, key: str) -> str:
    """Return a text; RowError for anything else."""
    value = value_of(row, task, key)
    if not isinstance(value, str):
        joined = " A list is joined: {join: its column, between: ' '}." * isinstance(value, list)
        raise RowError(f"key {key}: found {shown(value)}. Allowed: text.{joined}")
    return value


def as_texts(values: list[Any], key: str) -> list[str]:
    """Return options or answers as texts; a number is one, nothing and white space are none."""
    for place, value in enumerate(values, start=1):
        if is_blank(value):
            raise MissingError(key, f"item {place}")
    return [as_text(value, f"key {key}, item {place}") for place, value in enumerate(values, 1)]


def as_text(value: Any, at: str) -> str:
    """Return a text, or a number as text; RowError for what Python would spell in its own way."""
    if isinstance(value, list | dict | bytes):
        part = " A part of a mapping is named with a point, as options.text."
        hint = part * isinstance(value, dict)
        raise RowError(f"{at}: found {shown(value)}. Allowed: a text or a number.{hint}")
    return written(value)


def answers_in(value: Any, key: str) -> list[str]:
    """Return right answers: of a list, which may be written as text, or a single one."""
    is_one = not isinstance(value, list | dict) and not looks_listed(str(value))
    is_one = is_one and not (isinstance(value, str) and parsed(value))
    return as_texts([value] if is_one else listed(value, key), key)


def listed(value: Any, key: str) -> list[Any]:
    """Return a list that is not empty, which may be written as text; RowError for another value."""
    if isinstance(value, str):
        value = parsed(value) or value
    if not isinstance(value, list) or not value:
        raise RowError(f"key {key}: found {shown(value)}. Allowed: a list that is not empty.")
    return value


def check_span(start: int, end: int, text: str, key: str) -> None:
    """Raise RowError for characters [start, end) that are none, or not within a text."""
    if not 0 <= start < end <= len(text):
        raise RowError(f"key {key}: found {start} to {end}. Allowed: within 0 to {len(text)}.")


def check_characters(row: Row) -> None:
    """Raise RowError for a text with half a character, which JSON can spell and UTF-8 cannot."""
    for key, value in row.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and (half := _HALF.search(text)):
                raise RowError(
                    f"key {key}: found {half[0]!r}, half of a character (a lone surrogate), at "
                    f"character {half.start() + 1}. Allowed: whole characters."
                )


def label_of(row: Row, task: Task) -> int:
    """Return the number of the label in the column `label`; RowError for an unknown one."""
    return label_number(value_of(row, task, "label", named=True), task, "label")


def label_number(value: Any, task: Task, key: str) -> int:
    """Return the number of a label, from 0: its place among the labels, by name or by number."""
    first = first_number(task)
    place = label_place(label_value(value, task, key), task.labels, first)
    if place is None:
        name, labels = written(value), task.labels
        raise RowError(
            f"key {key}: unknown label {shown(name)}.{did_you_mean(name, labels)} "
            f"Allowed: {few(labels)}.{_of_number(value, task)}"
        )
    return place


def label_value(value: Any, task: Task, key: str) -> Any:
    """Return what names a label; MissingError for nothing, RowError for a list or a mapping."""
    required(value, task, key)
    as_text(value, f"key {key}")
    return value


def first_number(task: Task) -> int:
    """Return the number of the first label, or of the first choice."""
    return int(task.labels_from == 1)


def shown(value: Any, most: int = 80) -> str:
    """Return a value as Python spells it, cut to what fits into a message."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= most else f"{text[:most]}…"
    return repr(text) if isinstance(value, str) else text


def _of_number(value: Any, task: Task) -> str:
    """Return ' …', what a number that is no label's may mean, else an empty string."""
    number, labels = whole_number(value), task.labels
    if number == -1:
        return (
            " -1 often marks rows without a label: missing_values: ['-1'], missing: drop leaves "
            "them out."
        )
    if number is None or are_numbers(labels):
        return ""
    first = first_number(task)
    counted = f" As numbers: {first} to {first + len(labels) - 1}."
    from_1 = " Numbers that count from 1 need labels_from: 1."
    return counted + from_1 * (task.labels_from is None and number == len(labels))
