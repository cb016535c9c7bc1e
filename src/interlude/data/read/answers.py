"""A reader of questions whose answers are texts without places, or whose passages are in pieces."""

from __future__ import annotations

from functools import reduce
from typing import Any

from interlude.data.read.readers import (
    Dropped,
    Members,
    Row,
    Rows,
    UnusableError,
    each,
    first_occurrence,
    reader,
)

JUDGEMENTS = ("yes", "no")  # where a passage has these words, they are not what answers


@reader
def answers_in_passage(
    members: Members,
    dropped: Dropped,
    passage: str,
    answers: str,
    starts: str | None = None,
    unanswerable: str | None = None,
) -> dict[str, Rows]:
    """Questions answered by words of a passage: adds `passage`, `start`, `end` and `answers`.

    passage: its column, or a part of one (`context.text`); pieces are joined by blanks. answers:
    the column with the right answer, or with several. starts: that with their first characters, of
    which the first counts; without it the first answer that the passage has as words, in its first
    place. Rows of which it has none, or whose answer is yes or no, are left out.
    unanswerable: a word that is put before each passage, and is the answer of the questions without
    one; without it they are left out.
    """
    before = "" if unanswerable is None else f"{unanswerable} "

    def parse(row: Row) -> Row:
        text = before + _joined(_part(row, passage))
        right = [each for each in _listed(_part(row, answers)) if each.strip()]
        if starts is not None and right:
            start = len(before) + int(_part(row, starts)[0])
            end = start + len(right[0])  # that this is the answer is checked with the columns
        else:
            start, end = _place(right or ([unanswerable] if unanswerable else []), text)
            right = list(dict.fromkeys([text[start:end], *right]))
        return {**row, "passage": text, "start": start, "end": end, "answers": right}

    return {split: list(each(content, split, dropped, parse)) for split, content in members.items()}


def _part(row: Row, path: str) -> Any:
    """Return a column, or a part of one: `answers.text`. KeyError names what is not there."""
    return reduce(lambda value, name: value[name], path.split("."), row)


def _joined(value: Any) -> str:
    """Return a text; pieces in lists, or documents in parallel lists of a mapping, as one."""
    if isinstance(value, str):
        return value
    pieces = map(list, zip(*value.values(), strict=True)) if isinstance(value, dict) else value
    return " ".join(_joined(piece).strip() for piece in pieces)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _place(answers: list[str], text: str) -> tuple[int, int]:
    """Return where the first of these answers is that a text has."""
    if not answers:
        raise UnusableError("no answer")
    if answers[0].strip().lower() in JUDGEMENTS:
        raise UnusableError("the answer is yes or no")
    found = (first_occurrence(answer.strip(), text) for answer in answers)
    place = next((each.span() for each in found if each is not None), None)
    if place is None:
        raise UnusableError("no answer is in the passage word for word")
    return place
