"""A passage and a candidate, whether it is right, which question it answers, and what does."""

from __future__ import annotations

from interlude.forms.columns import OPTION_TYPES, TEXT, TEXTS, Columns, pair_of, question_of
from interlude.forms.examples import Row
from interlude.forms.values import Task, answers_in, label_of, text_of, value_of


def _normalised(row: Row, task: Task) -> Row:
    return {
        **pair_of(row, task),
        "label": label_of(row, task),
        "question_id": question_of(row, task),
        "answer": text_of(row, task, "answer"),
        "answers": answers_in(value_of(row, task, "answers", named=True), "answers"),
    }


COLUMNS = Columns(
    _normalised,
    {**OPTION_TYPES, "answer": TEXT, "answers": TEXTS},
    unseen=frozenset({"label", "question_id", "answer", "answers"}),
)
