"""A question and one of its answers, whether it is right, and which question it is."""

from __future__ import annotations

from interlude.forms.columns import OPTION_TYPES, Columns, pair_of, question_of
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_of


def _normalised(row: Row, task: Task) -> Row:
    option = {**pair_of(row, task), "label": label_of(row, task)}
    return {**option, "question_id": question_of(row, task)}


COLUMNS = Columns(_normalised, OPTION_TYPES, unseen=frozenset({"label", "question_id"}))
