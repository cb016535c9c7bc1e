"""What the validation rows of a task share with one another."""

from __future__ import annotations

from interlude.data.groups import GROUP, Groups
from interlude.data.shape.normalise import Normalised, Selected, Splits
from interlude.data.shape.splits import groups, has_group
from interlude.plan.tasks import Task


def kept_together(task: Task, splits: Splits, made: Normalised) -> Groups:
    """Return the groups of each validation row: by which rows are cut, and that of its sentence.

    task: as its origin serves it. splits: source rows by split.
    """
    rows = made.parts["validation"]
    by_cut = _by_cut(task, splits, made.selected["validation"])
    has_sentences = GROUP in made.columns.types
    return {
        row["id"]: cut + ([f"{GROUP} {row[GROUP]}"] if has_sentences else [])
        for row, cut in zip(rows, by_cut, strict=True)
    }


def _by_cut(task: Task, splits: Splits, places: Selected) -> list[list[str]]:
    column = task.split_by
    if column is None:
        return [[] for _ in places]
    shared = {split: groups(splits[split], column, str(task.path)) for split in dict(places)}
    return [
        [f"split_by {shared[split][at]}"] if has_group(splits[split][at], column) else []
        for split, at in places
    ]
