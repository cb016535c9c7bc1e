"""Cut the rows of a task, hold every one to its form, write Parquet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.shape.splits import cut
from interlude.errors import InputError
from interlude.forms import columns_of
from interlude.forms.columns import Columns
from interlude.forms.examples import Row
from interlude.forms.values import RowError, check_characters
from interlude.plan.tasks import Task

PARTS = ("train", "validation")
ROWS_AT_A_TIME = 20_000

Splits = dict[str, list[Row]]  # source rows
Selected = list[tuple[str, int]]


@dataclass(frozen=True)
class Normalised:
    """The rows of both parts, with the labels that were declared or found."""

    form: str
    columns: Columns
    labels: list[str]
    parts: dict[str, list[Row]]

    def described(self) -> Row:
        """Return what is worth knowing about the rows without opening their files."""
        return {
            "form": self.form,
            "label_names": self.labels,
            "sizes": {part: len(rows) for part, rows in self.parts.items()},
            "labels": {part: self._label_counts(rows) for part, rows in self.parts.items()},
            "overlap": self._overlap(),
        }

    def write(self, folder: Path) -> None:
        """Write a Parquet file of each part; the same rows give the same bytes."""
        for part, rows in self.parts.items():
            _write(self.columns.schema, rows, folder / f"{part}.parquet")

    def _label_counts(self, rows: list[Row]) -> dict[str, int]:
        """Count the labels (or tags) of rows, by name and in their order; none for spans."""
        numbers = Counter(number for row in rows for number in self.columns.numbers_of(row))
        names = dict(enumerate(self.labels))
        return {names.get(number, str(number)): numbers[number] for number in sorted(numbers)}

    def _overlap(self) -> int:
        """Count the validation rows whose whole input is in the train part as well."""
        seen = {self._input(row) for row in self.parts["train"]}
        return sum(self._input(row) in seen for row in self.parts["validation"])

    def _input(self, row: Row) -> int:
        """Return a hash of what a model sees of a row."""
        return hash(repr(self.columns.input_of(row)))


def normalise(task: Task, splits: Splits) -> Normalised:
    """Cut the rows of a task into both parts, and hold each to the task's form.

    splits: source rows by split. Raises InputError when a row breaks the form, or a cut is empty.
    """
    columns = columns_of(task.form)
    selected = {part: _selected(task, splits, part) for part in PARTS}
    _check_disjoint(task, selected)
    if not task.labels:
        found = _found_labels(task, columns, splits, selected)
        task = task.model_copy(update={"labels": found})
    parts = {part: _rows(task, columns, splits, selected[part]) for part in PARTS}
    labels, parts = _agreed(task, columns, task.labels, parts)
    return Normalised(task.form, columns, labels, parts)


def _agreed(
    task: Task, columns: Columns, labels: list[str], parts: dict[str, list[Row]]
) -> tuple[list[str], dict[str, list[Row]]]:
    """Return labels and rows as the task's metric wants them, now that all rows are known."""
    if columns.agreed is None or columns.label is None:
        return labels, parts
    rows = [row for part in PARTS for row in parts[part]]
    try:
        labels, numbers = columns.agreed(labels, [row[columns.label] for row in rows], task.metric)
    except RowError as error:
        raise InputError(f"{task.path}: {error}") from None
    changed = iter([{**row, columns.label: n} for row, n in zip(rows, numbers, strict=True)])
    return labels, {part: list(islice(changed, len(parts[part]))) for part in PARTS}


def _selected(task: Task, splits: Splits, part: str) -> Selected:
    """Return the split and the position of the source rows of a part."""
    key = f"{task.path}: key splits.{part}"
    selected = cut(splits, task.splits[part], task.split_by, key)
    if not selected:
        raise InputError(f"{key}: {task.splits[part]!r} selects no row. Allowed: one row or more.")
    return selected


def _check_disjoint(task: Task, selected: dict[str, Selected]) -> None:
    shared = set(selected["train"]) & set(selected["validation"])
    if shared:
        raise InputError(
            f"{task.path}: key splits: found {len(shared)} rows in both train and validation. "
            "Allowed: none."
        )


def _found_labels(
    task: Task, columns: Columns, splits: Splits, selected: dict[str, Selected]
) -> list[str]:
    """Return the label names that the rows of both parts have, sorted."""
    found: set[str] = set()
    for split, index in chain.from_iterable(selected.values()):
        try:
            labels = list(map(str, columns.labels_of(splits[split][index], task)))
            check_characters({columns.label or "label": labels})
            found.update(labels)
        except RowError as error:
            raise _faulty(task, split, index, error) from None
    return sorted(found)


def _rows(task: Task, columns: Columns, splits: Splits, selected: Selected) -> list[Row]:
    return [_row(task, columns, splits, split, index) for split, index in selected]


def _row(task: Task, columns: Columns, splits: Splits, split: str, index: int) -> Row:
    try:
        normalised = columns.normalise(splits[split][index], task)
        check_characters(normalised)
    except RowError as error:
        raise _faulty(task, split, index, error) from None
    return {"id": f"{split}-{index}"} | normalised


def _faulty(task: Task, split: str, index: int, error: RowError) -> InputError:
    return InputError(f"{task.path}: split {split!r}, row {index + 1}: {error}")


def _write(schema: pa.Schema, rows: list[Row], path: Path) -> None:
    """Write rows in batches: ReCoRD's passages, repeated, pass Arrow's 2 GiB for one column."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            batch = rows[start : start + ROWS_AT_A_TIME]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
