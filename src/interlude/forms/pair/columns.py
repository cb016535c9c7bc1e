"""Two texts and their label."""

from __future__ import annotations

from interlude.forms.columns import PAIR_TYPES, WHOLE, Columns, pair_of
from interlude.forms.examples import Row
from interlude.forms.values import Task, label_of


def _normalised(row: Row, task: Task) -> Row:
    return {**pair_of(row, task), "label": label_of(row, task)}


COLUMNS = Columns(_normalised, {**PAIR_TYPES, "label": WHOLE})
