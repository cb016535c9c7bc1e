"""Cut the rows of a task, check each against its form, write Parquet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.read.lines import place_of
from interlude.data.shape.classes import check_classes
from interlude.data.shape.splits import cut
from interlude.data.shape.transform import transformed
from interlude.errors import InputError
from interlude.forms import columns_of
from interlude.forms.columns import Columns
from interlude.forms.examples import Row
from interlude.forms.names import found_names, written
from interlude.forms.values import MissingError, RowError, check_characters, label_value
from interlude.plan.tasks import Task

PARTS = ("train", "validation")
ROWS_AT_A_TIME = 20_000

Splits = dict[str, list[Row]]  # source rows
Place = tuple[str, int]  # of a source row: its split, and where it is there
Selected = list[Place]


@dataclass(frozen=True)
class Normalised:
    """The rows of both parts, with the labels that were declared, or else those that occur.

    dropped: rows that the task leaves out, by what they lack. selected: where the others are.
    names: of labels, as they are written where none are declared.
    """

    form: str
    columns: Columns
    labels: list[str]
    parts: dict[str, list[Row]]
    dropped: Counter[str]
    selected: dict[str, Selected]
    names: list[str]

    def described(self) -> Row:
        """Return what the manifest shows about the rows."""
        return {
            "form": self.form,
            "label_names": self.labels,
            "sizes": {part: len(rows) for part, rows in self.parts.items()},
            "labels": {part: self.label_counts(part) for part in PARTS},
            "overlap": self._overlap(),
        }

    def classes(self) -> dict[str, dict[Place, int]]:
        """Return the number of the label of each row, by part."""
        labels = {part: (row["label"] for row in rows) for part, rows in self.parts.items()}
        return {p: dict(zip(self.selected[p], labels[p], strict=True)) for p in self.parts}

    def write(self, folder: Path) -> None:
        """Write a Parquet file of each part; the same rows give the same bytes."""
        for part, rows in self.parts.items():
            _write(self.columns.schema, rows, folder / f"{part}.parquet")

    def label_counts(self, part: str) -> dict[str, int]:
        """Count the labels (or tags) of a part, by name and in their order; none for spans."""
        rows = self.parts[part]
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
    """Cut the rows of a task into both parts, and check each row against the task's form.

    splits: source rows by split. Raises InputError when a row breaks the form, when a cut is empty
    or when nothing can be learnt from it.
    """
    selected = {part: _selected(task, splits, part) for part in PARTS}
    _check_disjoint(task, selected)
    shaping = _Shaping(task, columns_of(task.form), splits)
    dropped: Counter[str] = Counter()
    if task.missing == "drop":
        selected = shaping.with_labels(selected).kept(selected, dropped)
    shaping = shaping.with_labels(selected)
    parts = {part: shaping.rows(selected[part]) for part in PARTS}
    labels, parts = _agreed(task, shaping.columns, shaping.task.labels, parts)
    made = Normalised(task.form, shaping.columns, labels, parts, dropped, selected, shaping.names)
    if made.columns.has_classes:
        check_classes(shaping.task, made.classes(), shaping.values(selected))
    return replace(made, parts=transformed(task, made.parts))


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
    selected = cut(splits, task.splits[part], task.split_by, key, shuffle=task.shuffle)
    if not selected:
        whole = f" Rows that share {task.split_by!r} stay together." if task.split_by else ""
        found = f"{task.splits[part]!r} selects no row"
        raise InputError(f"{key}: {found}. Allowed: one row or more.{whole}")
    return selected


def _check_disjoint(task: Task, selected: dict[str, Selected]) -> None:
    shared = set(selected["train"]) & set(selected["validation"])
    if shared:
        raise InputError(
            f"{task.path}: key splits: found {len(shared)} rows in both train and validation. "
            "Allowed: none."
        )


@dataclass(frozen=True)
class _Shaping:
    """What the rows of a task are checked against."""

    task: Task
    columns: Columns
    splits: Splits
    names: list[str] = field(default_factory=list)  # of labels, as they are written

    def with_labels(self, selected: dict[str, Selected]) -> _Shaping:
        """Return it with the labels that the selected rows have, unless some are declared."""
        if self.task.labels:
            return self
        places = chain.from_iterable(selected.values())
        names = sorted({name for at in places for name in self._names(at)})
        task = self.task.model_copy(update={"labels": found_names(names)})
        return replace(self, task=task, names=names)

    def kept(self, selected: dict[str, Selected], dropped: Counter[str]) -> dict[str, Selected]:
        """Return the rows that lack nothing, and count the others by what they lack."""
        lacking = {part: [self._lacks(at) for at in rows] for part, rows in selected.items()}
        dropped.update(filter(None, chain.from_iterable(lacking.values())))
        kept = {
            part: [at for at, lack in zip(rows, lacking[part], strict=True) if lack is None]
            for part, rows in selected.items()
        }
        for part, rows in kept.items():
            if not rows:
                counts = ", ".join(f"{count} with {what}" for what, count in dropped.items())
                raise InputError(
                    f"{self.task.path}: key missing: no row is left in {part}; dropped were "
                    f"{counts}. Allowed: one row or more. {self._fault(selected[part][0])}"
                )
        return kept

    def _fault(self, at: Place) -> str:
        """Return what is wrong with a row, without the name of the task's file."""
        try:
            self._row(at)
        except InputError as error:
            return str(error).removeprefix(f"{self.task.path}: ")
        return ""

    def rows(self, selected: Selected) -> list[Row]:
        """Return the normalised rows; InputError names the first that breaks the form."""
        return [self._row(at) for at in selected]

    def values(self, selected: dict[str, Selected]) -> Iterator[Any]:
        """Yield the labels of the selected rows as they stand there."""
        for split, index in chain.from_iterable(selected.values()):
            yield from self.columns.labels_of(self.splits[split][index], self.task)

    def _row(self, at: Place) -> Row:
        split, index = at
        with self._named(at):
            normalised = self.columns.normalise(self.splits[split][index], self.task)
            check_characters(normalised)
        return {"id": f"{split}-{index}"} | normalised

    def _lacks(self, at: Place) -> str | None:
        """Return what a row lacks; None where that is nothing, or another fault comes first."""
        split, index = at
        try:
            self.columns.normalise(self.splits[split][index], self.task)
        except MissingError as error:
            return error.reason
        except RowError:
            return None  # it is named when the rows are made
        return None

    def _names(self, at: Place) -> list[str]:
        """Return the names of the labels of a row; none where one is missing and may be."""
        split, index = at
        key = self.columns.label or "label"
        with self._named(at), suppress(*[MissingError] * (self.task.missing == "drop")):
            labels = self.columns.labels_of(self.splits[split][index], self.task)
            names = [written(label_value(label, self.task, key)) for label in labels]
            check_characters({key: names})
            return names
        return []

    @contextmanager
    def _named(self, at: Place) -> Iterator[None]:
        """Turn the fault of a row into one that names the row."""
        split, index = at
        try:
            yield
        except RowError as error:
            raise InputError(
                f"{self.task.path}: split {split!r}, {place_of(self.splits[split], index)}: {error}"
            ) from None


def _write(schema: pa.Schema, rows: list[Row], path: Path) -> None:
    """Write rows in batches: ReCoRD's passages, repeated, pass Arrow's 2 GiB for one column."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            batch = rows[start : start + ROWS_AT_A_TIME]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
