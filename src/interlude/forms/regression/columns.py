"""Two texts and a number."""

from __future__ import annotations

from interlude.forms.columns import PAIR_TYPES, REAL, Columns, pair_of
from interlude.forms.examples import Row
from interlude.forms.values import Task, number_of


def _normalised(row: Row, task: Task) -> Row:
    return {**pair_of(row, task), "value": number_of(row, task, "value")}


COLUMNS = Columns(
    _normalised, {**PAIR_TYPES, "value": REAL}, unseen=frozenset({"value"}), label=None
)
