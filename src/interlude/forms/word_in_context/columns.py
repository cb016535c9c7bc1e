"""Two texts with a word in each, and a label."""

from __future__ import annotations

from interlude.forms.columns import TEXT, WHOLE, Columns
from interlude.forms.examples import Row
from interlude.forms.values import Task, check_span, label_of, text_of, whole_of


def _normalised(row: Row, task: Task) -> Row:
    columns: Row = {}
    for side in "ab":
        columns[f"text_{side}"] = text = text_of(row, task, f"text_{side}")
        start, end = (whole_of(row, task, f"{key}_{side}") for key in ("start", "end"))
        check_span(start, end, text, f"start_{side}")
        columns |= {f"start_{side}": start, f"end_{side}": end}
    return {**columns, "label": label_of(row, task)}


COLUMNS = Columns(
    _normalised,
    {
        **dict.fromkeys(("text_a", "text_b"), TEXT),
        **dict.fromkeys(("start_a", "end_a", "start_b", "end_b", "label"), WHOLE),
    },
)
