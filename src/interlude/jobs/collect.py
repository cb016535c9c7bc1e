"""From the records of a study to its run table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from interlude.analysis.runs import to_table
from interlude.errors import InputError
from interlude.plan.study import Design, Run

SCHEMA_VERSION = 1
PREDICTIONS = ["id", "prediction", "gold"]


def collect(study: str, design: Design, folder: Path) -> pd.DataFrame:
    """Return the run table of a study: one row per planned run, in the order of the plan.

    A run without a record has the status `missing`. Records of runs that are not planned are
    left out. Raises InputError for a record that cannot be read.
    """
    return to_table(_rows(study, design, folder))


def _rows(study: str, design: Design, folder: Path) -> Iterator[dict[str, Any]]:
    for run in design.runs():
        path = folder / f"{run.path}.json"
        yield read_record(path) if path.exists() else _missing(study, run)


def read_record(path: Path) -> dict[str, Any]:
    """Return a record; InputError when it is broken or of another schema version.

    So it is for one without the predictions that it scores: they are beside it, whole.
    """
    try:
        record: Any = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:
        raise InputError(
            f"{path}: not a whole record ({error}). Delete it and run again."
        ) from None
    found = record.get("schema_version") if isinstance(record, dict) else None
    if found != SCHEMA_VERSION:
        raise InputError(
            f"{path}: key schema_version: found {found!r}. Allowed: {SCHEMA_VERSION}. "
            "The record is of another release: delete it and run again."
        )
    if record["status"] == "ok":
        _check_predictions(path, record["validation_examples"])
    return dict(record)


def _check_predictions(record: Path, count: int) -> None:
    path = record.with_suffix(".parquet")
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise _lost_predictions(path, record, str(error)) from None
    if (table.column_names, table.num_rows) != (PREDICTIONS, count):
        found = f"found {table.num_rows} rows of {', '.join(table.column_names)}"
        raise _lost_predictions(path, record, f"{found}, expected {count} of {PREDICTIONS}")


def _lost_predictions(path: Path, record: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: not the whole predictions of its record ({reason}). "
        f"Delete {record} and run again."
    )


def _missing(study: str, run: Run) -> dict[str, Any]:
    return {"study": study, **vars(run), "status": "missing", "reason": "no record"}


def require_finished(runs: pd.DataFrame, folder: Path) -> None:
    """Raise InputError when runs failed or are missing: which, why, and the command that retries.

    A diverged run has a result: it is in the tables as degenerate.
    """
    lost = runs[runs["status"].isin(["failed", "missing"])]
    if lost.empty:
        return
    paths = [
        f"{folder}/{Run(*key).path}.json"
        for key in lost[["kind", "source", "task", "restart"]].itertuples(index=False)
    ]
    reasons = "\n".join(
        f"  {path}: {reason}" for path, reason in zip(paths, lost["reason"], strict=True)
    )
    raise InputError(
        f"{len(lost)} of {len(runs)} runs have no result; tables and figures list them."
        f"\n{reasons}\n"
        f"To try them again: snakemake --cores all --forcerun {' '.join(paths)}"
    )
