"""A question, a passage, and where in it the answer is."""

from __future__ import annotations

from interlude.forms.columns import TEXT, TEXTS, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.values import (
    RowError,
    Task,
    answers_in,
    check_span,
    shown,
    text_of,
    value_of,
    whole_of,
)


def _normalised(row: Row, task: Task) -> Row:
    passage = text_of(row, task, "passage")
    if not passage.strip():
        found = shown(passage)
        raise RowError(f"key passage: found {found}. Allowed: a text that holds the answer.")
    start = whole_of(row, task, "start")
    answers = _answers(row, task, passage, start)
    end = whole_of(row, task, "end") if "end" in task.columns else start + len(answers[0])
    check_span(start, end, passage, "start")
    if passage[start:end] not in answers:
        raise RowError(
            f"key start: the passage holds {shown(passage[start:end])} from {start} to {end}, "
            f"the answers are {shown(answers, 300)}."
        )
    texts = {"question": text_of(row, task, "question"), "passage": passage}
    return {**texts, "start": start, "end": end, "answers": answers}


def _answers(row: Row, task: Task, passage: str, start: int) -> list[str]:
    """Return the right answers; what the passage has at the start is one, list or not."""
    value = value_of(row, task, "answers", named=True)
    if isinstance(value, str) and start >= 0 and passage.startswith(value, start):
        return [value]
    return answers_in(value, "answers")


COLUMNS = Columns(
    _normalised,
    {"question": TEXT, "passage": TEXT, "start": WHOLE, "end": WHOLE, "answers": TEXTS},
    unseen=frozenset({"start", "end", "answers"}),
    label=None,
)
