"""Prepare a task: read its source, cut it, hold every row to its form, write Parquet."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.fetch.places import Places
from interlude.data.read.sources import Source, read_source
from interlude.data.shape.columns import FORMS, arrow_schema, labels_of, normalised
from interlude.data.shape.splits import cut
from interlude.data.shape.values import Row, RowError
from interlude.errors import InputError
from interlude.files import filling, sha256_of
from interlude.plan.tasks import Task

PARTS = ("train", "validation")
ROWS_AT_A_TIME = 20_000
# What a model is not shown: what a row is called, and what is right.
NO_INPUT = {"id", "group", "question_id"} | {"label", "labels", "tags", "value"}
NO_INPUT |= {"start", "end", "answer", "answers"}

Selected = list[tuple[str, int]]


def prepare(task: Task, places: Places, out: Path) -> Row:
    """Write `train.parquet`, `validation.parquet` and `manifest.json` of a task; return the last.

    They go into the folder `out`. The same source gives the same bytes. Raises InputError, and then
    writes nothing, when the source cannot be read or a row breaks the form of the task.
    """
    source = read_source(task, places)
    task = source.task
    selected = {part: _selected(task, source, part) for part in PARTS}
    _check_disjoint(task, selected)
    if not task.labels:
        task = replace(task, labels=_found_labels(task, source, selected))
    parts = {part: _rows(task, source, selected[part]) for part in PARTS}
    with filling(out) as work:
        for part, rows in parts.items():
            _write(task, rows, work / f"{part}.parquet")
        files = {file.name: sha256_of(file) for file in sorted(work.iterdir())}
        manifest = _manifest(task, source, parts) | {"files": files}
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf8")
    return manifest


def summary(manifest: Row) -> str:
    """Return one line for people: rows, labels, repeated inputs and dropped rows."""
    said = [f"{count} rows in {part}" for part, count in manifest["sizes"].items()]
    if manifest["label_names"]:
        said.append(f"{len(manifest['label_names'])} labels")
    said += [f"validation inputs also in train: {manifest['overlap']}"] * bool(manifest["overlap"])
    said += [f"{count} dropped ({reason})" for reason, count in manifest["dropped"].items()]
    return f"{manifest['task']}: {', '.join(said)}"


def _selected(task: Task, source: Source, part: str) -> Selected:
    """Return the split and the position of the source rows of a part."""
    key = f"{task.path}: key splits.{part}"
    selected = cut(source.splits, task.splits[part], task.split_by, key)
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


def _found_labels(task: Task, source: Source, selected: dict[str, Selected]) -> list[str]:
    """Return the label names that the rows of both parts have, sorted."""
    found: set[str] = set()
    for split, index in chain.from_iterable(selected.values()):
        try:
            found.update(map(str, labels_of(source.splits[split][index], task)))
        except RowError as error:
            raise _faulty(task, split, index, error) from None
    return sorted(found)


def _rows(task: Task, source: Source, selected: Selected) -> list[Row]:
    return [_row(task, source, split, index) for split, index in selected]


def _row(task: Task, source: Source, split: str, index: int) -> Row:
    try:
        return {"id": f"{split}-{index}"} | normalised(source.splits[split][index], task)
    except RowError as error:
        raise _faulty(task, split, index, error) from None


def _faulty(task: Task, split: str, index: int, error: RowError) -> InputError:
    return InputError(f"{task.path}: split {split!r}, row {index + 1}: {error}")


def _write(task: Task, rows: list[Row], path: Path) -> None:
    """Write rows in batches: ReCoRD's passages, repeated, pass Arrow's 2 GiB for one column."""
    schema = arrow_schema(task.form)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            batch = rows[start : start + ROWS_AT_A_TIME]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))


def _manifest(task: Task, source: Source, parts: dict[str, list[Row]]) -> Row:
    """Return what is worth knowing about the data of a task without opening it."""
    return {
        "task": task.name,
        "form": task.form,
        "licence": task.licence,
        "label_names": task.labels,
        "sizes": {part: len(rows) for part, rows in parts.items()},
        "labels": {part: _label_counts(task, rows) for part, rows in parts.items()},
        "overlap": _overlap(parts),
        "dropped": dict(source.dropped),
        "source": source.provenance,
        "revision": source.revision,
    }


def _label_counts(task: Task, rows: list[Row]) -> dict[str, int]:
    """Count the labels (or tags) of rows, by name and in their order; none for spans."""
    key = FORMS[task.form].label or "label"
    values = [row[key] for row in rows if key in row]
    several = key in ("tags", "labels")
    numbers = Counter(chain.from_iterable(values) if several else values)
    names = dict(enumerate(task.labels))
    return {names.get(number, str(number)): numbers[number] for number in sorted(numbers)}


def _overlap(parts: dict[str, list[Row]]) -> int:
    """Count the validation rows whose whole input is in the train part as well."""
    seen = {_input(row) for row in parts["train"]}
    return sum(_input(row) in seen for row in parts["validation"])


def _input(row: Row) -> int:
    """Return a hash of what a model sees of a row, which is all but its id and its labels."""
    return hash(repr([value for key, value in row.items() if key not in NO_INPUT]))
