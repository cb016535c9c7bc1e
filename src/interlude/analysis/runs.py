"""The run table: one row per planned run. Its columns are defined here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet as pq

from interlude.errors import InputError, unknown
from interlude.files import written_atomically
from interlude.plan.study import KINDS, NO_SOURCE, size_of

STATUSES = ("ok", "diverged", "failed", "missing", "mean_only")
# Tables and figures show points: score × 100.
POINTS = 100
KEY = ["kind", "source", "task", "restart"]

_TEXT = [
    *("study", "kind", "source", "task", "form", "status", "reason", "metric", "stopped_by"),
    *("device", "precision", "model", "model_revision", "data_revision", "data_fingerprint"),
    *("code_digest", "taken_from"),
]
_JSON = ["metrics", "hyperparameters", "versions", "curve"]
_WHOLE = [
    *("restart", "train_examples", "validation_examples", "planned_steps", "steps", "best_step"),
    *("tokens", "evaluation_tokens", "threads", "seed", "source_seed", "schema_version"),
]
_REAL = [
    *("score", "majority_score", "chance_score", "train_seconds", "evaluation_seconds"),
    *("total_seconds", "energy_joules"),
]
_YES_NO = ["constant"]

DTYPES: dict[str, Any] = {
    **dict.fromkeys(_TEXT + _JSON, "str"),
    **dict.fromkeys(_WHOLE, "Int64"),
    **dict.fromkeys(_REAL, "float64"),
    **dict.fromkeys(_YES_NO, "boolean"),
}
REQUIRED = ["study", "kind", "source", "task", "restart", "status"]
# Matthews and other correlations reach down to -1; all other metrics lie in 0..1.
SCORE_RANGE = (-1.0, 1.0)


def to_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the run table of records in their order; what a record does not name is missing.

    Raises InputError for a key that is no column of the run table.
    """
    rows = [_as_row(record, number) for number, record in enumerate(records, start=1)]
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


def read_runs(path: Path, tasks: Collection[str] | None = None) -> pd.DataFrame:
    """Read and check `runs.parquet`; with `tasks`, every row must name one of them.

    Raises InputError that names the file, the row (from 1) and the column.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        # Whatever the file's metadata say of types: `check` gives each column its own.
        frame = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole Parquet file ({error}). Delete it and run again."
        ) from None
    return check(frame, str(path), tasks)


def write_runs(table: pd.DataFrame, parquet_path: Path) -> None:
    """Check the table, then write it as Parquet and, beside it, as CSV; whole or not at all."""
    checked = check(table, str(parquet_path))
    csv_path = parquet_path.with_suffix(".csv")
    with written_atomically(parquet_path) as parquet, written_atomically(csv_path) as csv:
        checked.to_parquet(parquet, index=False, write_page_checksum=True)
        checked.to_csv(csv, index=False)


def check(table: pd.DataFrame, where: str, tasks: Collection[str] | None = None) -> pd.DataFrame:
    """Return the table with its columns in order and typed; `where` is its name in messages.

    Raises InputError for the first fault: a missing or unknown column, a value of the wrong type
    or outside what is allowed, a duplicate run, or a task that is not among `tasks`.
    """
    _check_columns(table, where)
    typed = _typed(table[list(DTYPES)].reset_index(drop=True), where)
    for column in REQUIRED:
        _refuse(typed, typed[column].isna(), column, "a value in every row", where)
    _check_words(typed, where, tasks)
    low, high = SCORE_RANGE
    for column in ("score", "majority_score", "chance_score"):
        outside = typed[column].notna() & ~typed[column].between(low, high)
        _refuse(typed, outside, column, f"{low:g} to {high:g}", where)
    unscored = typed["status"].isin(["ok", "mean_only"]) & typed["score"].isna()
    _refuse(typed, unscored, "score", "a number where status is ok or mean_only", where)
    once = "each run once; this one is a duplicate"
    _refuse(typed, typed.duplicated(KEY), "restart", once, where)
    return typed


def in_order(names: Iterable[str]) -> list[str]:
    """Return the distinct names of a column in the order of the run table, which is the plan's."""
    return list(dict.fromkeys(names))


def of_full_size(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs but those of sources of a reduced size, and the training of these."""
    reduced = runs[["source", "task"]].map(lambda name: size_of(name) is not None)
    return runs[~reduced.any(axis="columns")]


def _as_row(record: Mapping[str, Any], number: int) -> dict[str, Any]:
    for key in record:
        if key not in DTYPES:
            raise unknown(f"record {number}", "key", key, list(DTYPES))
    return {key: _as_text(value) if key in _JSON else value for key, value in record.items()}


def _as_text(value: Any) -> str | None:
    """JSON columns hold text; a record may hold them parsed."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def _check_columns(table: pd.DataFrame, where: str) -> None:
    missing = [column for column in DTYPES if column not in table]
    if missing:
        raise InputError(
            f"{where}: column {missing[0]!r} is missing. Found: {', '.join(map(str, table))}."
        )
    for column in table:
        if column not in DTYPES:
            raise unknown(where, "column", str(column), list(DTYPES))


def _typed(table: pd.DataFrame, where: str) -> pd.DataFrame:
    for column, dtype in DTYPES.items():
        try:
            table[column] = table[column].astype(dtype)
        except (TypeError, ValueError):
            fits = [_fits(value, dtype) for value in table[column]]
            bad = ~pd.Series(fits, index=table.index, dtype=bool)
            _refuse(table, bad, column, str(dtype), where)
    return table


def _fits(value: Any, dtype: Any) -> bool:
    try:
        pd.Series([value]).astype(dtype)
    except (TypeError, ValueError):
        return False
    return True


def _check_words(table: pd.DataFrame, where: str, tasks: Collection[str] | None) -> None:
    allowed = {"kind": KINDS, "status": STATUSES}
    if tasks is not None:
        allowed |= {"task": tuple(tasks), "source": (NO_SOURCE, *tasks)}
    for column, words in allowed.items():
        _refuse(table, ~table[column].isin(words), column, ", ".join(words), where)


def _refuse(
    table: pd.DataFrame, bad: pd.Series[bool], column: str, allowed: str, where: str
) -> None:
    """Raise InputError for the first bad row, if there is one."""
    if not bad.any():
        return
    number = int(bad.to_numpy().argmax())
    row = table.iloc[number]
    run = f"{row['kind']} {row['source']} -> {row['task']}, restart {row['restart']}"
    raise InputError(
        f"{where}: row {number + 1} ({run}), column {column}: found {_shown(row[column])}. "
        f"Allowed: {allowed}."
    )


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "nothing"
    return repr(value) if isinstance(value, str) else str(value)
