"""A question, a passage, and where in it the answer is."""

from __future__ import annotations

from interlude.forms.columns import TEXT, TEXTS, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.values import RowError, Task, check_span, text_of, texts_of, whole_of


def _normalised(row: Row, task: Task) -> Row:
    passage = text_of(row, task, "passage")
    if not passage.strip():
        raise RowError(f"key passage: found {passage!r}. Allowed: a text that holds the answer.")
    answers = texts_of(row, task, "answers")
    start = whole_of(row, task, "start")
    end = whole_of(row, task, "end") if "end" in task.columns else start + len(answers[0])
    check_span(start, end, passage, "start")
    if passage[start:end] not in answers:
        raise RowError(
            f"key start: the passage holds {passage[start:end]!r} from {start} to {end}, "
            f"the answers are {answers!r}."
        )
    texts = {"question": text_of(row, task, "question"), "passage": passage}
    return {**texts, "start": start, "end": end, "answers": answers}


COLUMNS = Columns(
    _normalised,
    {"question": TEXT, "passage": TEXT, "start": WHOLE, "end": WHOLE, "answers": TEXTS},
    unseen=frozenset({"start", "end", "answers"}),
    label=None,
)
