"""From the records of trainings to the rows of a study's two tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.errors import InputError, unknown
from interlude.jobs.record import OF_TASKS, PREDICTIONS, SCHEMA_VERSION
from interlude.plan.cells import Cell
from interlude.plan.trainings import MLM
from interlude.words import SCORES, TRAININGS

Row = dict[str, Any]

NEEDED = ("status", "parts")  # of a record; what else it holds is checked with the tables
OF_PART = {"task"}
LOST = ("failed", "missing")  # status of a training that has no result


@dataclass(frozen=True)
class Collected:
    """Rows of scores, one per cell, and of the trainings that these are read from or needed."""

    scores: list[Row]
    trainings: list[Row]


def collect(study: str, cells: Iterable[Cell], trained: Path) -> Collected:
    """Return the rows of a study's tables, in the order of its cells.

    trained: folder with a folder for each training. A cell without a record has the status
    `missing`. Raises InputError for a record that cannot be read, or holds no score of its cell.
    """
    records: dict[str, Row] = {}
    scores = []
    for cell in cells:
        record = _kept(records, trained, cell.training)
        where = record_path(trained, cell.training)
        scores.append({"study": study, **vars(cell), **_score(record, cell.task, where)})
    return Collected(scores, [_of_training(record) for record in records.values()])


def _kept(records: dict[str, Row], trained: Path, training: str) -> Row:
    """Return a record, read once, and with it those of the trainings that it needed.

    It starts from one, and a sampler may have compared its tasks with others.
    """
    if training not in records:
        record = _record(trained, training)
        for needed in needed_by(record):
            _kept(records, trained, needed)
        records[training] = record
    return records[training]


def needed_by(record: Row) -> list[str]:
    """Return the ids of the trainings that a training started from or was compared with."""
    ids = (record.get("start"), *record.get("references", []))
    return [id for id in ids if id is not None]


def record_path(trained: Path, training: str) -> Path:
    """Return where the record of a training lies."""
    return trained / training / "record.json"


def _record(trained: Path, training: str) -> Row:
    path = record_path(trained, training)
    return read_record(path) if path.exists() else {"training": training, "status": "missing"}


def _score(record: Row, task: str, where: Path) -> Row:
    """Return the columns of a cell on a task, from a record."""
    if record["status"] == "missing":
        return {"status": "missing", "reason": "no record"}
    parts = {part["task"]: part for part in record["parts"]}
    if task not in parts:
        raise unknown(f"{where}: key parts", "task", task, parts)
    outcome = {"status": record["status"], "reason": record.get("reason")}
    return outcome | _of_table(parts[task], SCORES)


def _of_training(record: Row) -> Row:
    """Return a training's row of its table, with the score of a part `mlm`, which has no cell."""
    masked = [part.get("score") for part in record.get("parts", []) if part["task"] == MLM]
    return _of_table(record, TRAININGS) | ({"masked_accuracy": masked[0]} if masked else {})


def _of_table(row: Row, columns: dict[str, str]) -> Row:
    return {name: value for name, value in row.items() if name in columns}


def read_record(path: Path) -> Row:
    """Return a record; InputError when it is broken or of another schema version.

    Also when the predictions that it scores are not beside it, or not whole.
    """
    try:
        record: Any = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:
        raise InputError(
            f"{path}: not a whole record ({error}). Delete it and run again."
        ) from None
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: key schema_version: found {version!r}. Allowed: {SCHEMA_VERSION}. "
            "The record is of another release: delete it and run again."
        )
    lacking = [key for key in NEEDED if key not in record]
    lacking += [f"parts.{key}" for part in record.get("parts", []) for key in OF_PART - part.keys()]
    if lacking:
        raise InputError(f"{path}: no key {lacking[0]!r}. Delete it and run again.")
    if record["status"] == "ok":
        counts = [part.get("validation_examples") or 0 for part in record["parts"]]
        _check_predictions(path, PREDICTIONS if len(counts) == 1 else OF_TASKS, sum(counts))
    return dict(record)


def _check_predictions(record: Path, columns: tuple[str, ...], count: int) -> None:
    path = record.with_name("predictions.parquet")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _lost_predictions(path, record, str(error)) from None
    if (tuple(table.column_names), table.num_rows) != (columns, count):
        actual = f"found {table.num_rows} rows of {', '.join(table.column_names)}"
        wanted = f"{count} of {', '.join(columns)}"
        raise _lost_predictions(path, record, f"{actual}, expected {wanted}")


def _lost_predictions(path: Path, record: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: not the whole predictions of its record ({reason}). "
        f"Delete {record} and run again."
    )


def require_finished(cells: Iterable[Cell], trained: Path) -> int:
    """Return the number of cells, each with a result.

    Raises InputError when trainings failed or are missing: which, why, and the command that tries
    them again. A training that diverged has a result: it is in the tables as degenerate.
    """
    cells = list(cells)
    records = {cell.training: _record(trained, cell.training) for cell in cells}
    lost = [cell for cell in cells if records[cell.training]["status"] in LOST]
    if not lost:
        return len(cells)
    reasons = "\n".join(
        f"  {cell.name}: {records[cell.training].get('reason', 'no record')}" for cell in lost
    )
    ids = (id for cell in lost for id in _to_try_again(trained, cell.training))
    again = dict.fromkeys(str(record_path(trained, id)) for id in ids)
    raise InputError(
        f"{len(lost)} of {len(cells)} scores have no result; tables and figures list them."
        f"\n{reasons}\n"
        f"To try them again: snakemake --cores all --forcerun {' '.join(again)}"
    )


def _to_try_again(trained: Path, training: str) -> Iterator[str]:
    """Yield the ids of the trainings without a result that one of them needed, and its own."""
    record = _record(trained, training)
    if record["status"] in LOST:
        for needed in needed_by(record):
            yield from _to_try_again(trained, needed)
        yield training
