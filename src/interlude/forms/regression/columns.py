"""One text or two, and a number."""

from __future__ import annotations

from interlude.forms.columns import PAIR_TYPES, REAL, Columns, pair_of
from interlude.forms.examples import Row
from interlude.forms.values import Task, number_of, text_of


def _normalised(row: Row, task: Task) -> Row:
    value = number_of(row, task, "value")
    if "text_b" in task.columns:
        return {**pair_of(row, task), "value": value}
    return {"text_a": text_of(row, task, "text_a"), "text_b": None, "value": value}


COLUMNS = Columns(
    _normalised, {**PAIR_TYPES, "value": REAL}, unseen=frozenset({"value"}), label=None
)
