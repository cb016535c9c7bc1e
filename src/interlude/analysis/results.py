"""A study's tables of scores and of trainings, and the one frame of runs that the analysis reads.

A run is a cell of the plan with its training: a row of `scores.parquet` joined with the
row of `trainings.parquet` that it names. `interlude.words` holds the columns of both tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet as pq

from interlude.errors import InputError, unknown
from interlude.files import written_atomically
from interlude.words import (
    ADDED,
    JSON,
    KEY,
    NO_SOURCE,
    ROLES,
    SCORES,
    SELECTION_SCORES,
    STATUSES,
    TRAININGS,
)

# Tables and figures show points: score × 100.
POINTS = 100
FAMILY = ["arm", "against", "role"]  # whose tests are corrected together, in tables of differences
SCORED = ["arm", "role", "source", "task"]  # identifies a cell but for restart and point
UNTRAINED = ("missing", "mean_only")  # statuses of cells that may name no known training
# Matthews and other correlations reach down to -1; all other metrics lie in 0..1.
SCORE_RANGE = (-1.0, 1.0)

_Columns = Mapping[str, Any]  # name -> type, as pandas calls it
_REQUIRED = ("study", "arm", "role", "source", "task", "restart", "status")


def to_scores(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the table of scores, a row per cell in their order; what a row lacks is missing.

    Values of JSON columns may be text or parsed. Raises InputError for a key that is no column.
    """
    return _table(rows, SCORES)


def to_trainings(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the table of trainings, a row per training, as `to_scores` does that of scores."""
    return _table(rows, TRAININGS)


def split(rows: Iterable[Mapping[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and trainings of rows that each hold columns of both: a cell, its training.

    The row of a training is from the first of the cells that name it and are not missing.
    """
    known = list(rows)
    trainings: dict[Any, dict[str, Any]] = {}
    for row in known:
        if row["status"] != "missing" and row.get("training") is not None:
            trainings.setdefault(row["training"], _part(row, TRAININGS))
    scores = (
        {name: row[name] for name in row if name not in TRAININGS or name == "training"}
        for row in known
    )
    return to_scores(scores), to_trainings(trainings.values())


def read_runs(scores: Path, trainings: Path, tasks: Collection[str] | None = None) -> pd.DataFrame:
    """Read and check both tables of a study and return its runs, as `joined` does.

    tasks: those that scores may name; None: any. Raises InputError that names the file, the row
    (from 1) and the column.
    """
    cells = check_scores(_read(scores), str(scores), tasks)
    return joined(cells, read_trainings(trainings), str(scores))


def read_scores(path: Path) -> pd.DataFrame:
    """Read and check the table of scores of a study; InputError as of `read_runs`."""
    return check_scores(_read(path), str(path))


def read_trainings(path: Path) -> pd.DataFrame:
    """Read and check the table of trainings of a study; InputError as of `read_runs`."""
    return check_trainings(_read(path), str(path))


def read_selection_scores(path: Path) -> pd.DataFrame:
    """Read and check the numbers that methods of selection give; InputError as of `read_runs`."""
    table, where = _typed(_read(path), SELECTION_SCORES, str(path)), str(path)
    for column in ("method", "target", "source"):
        _refuse(table, table[column].isna(), column, "a value in every row", where)
    once = "each source once per method and target; this one is a duplicate"
    _refuse(table, table.duplicated(["method", "target", "source"]), "source", once, where)
    return table


def joined(scores: pd.DataFrame, trainings: pd.DataFrame, where: str = "scores") -> pd.DataFrame:
    """Return the runs: a row per cell, in the order of scores, with its training's columns.

    `source_seed` is the seed of the training that the run's own started from; missing where there
    was none, or where it is not in the table. where: name of the scores in messages.

    Raises InputError for a cell whose training is not among the trainings, unless the cell is
    missing or known as a mean only.
    """
    lost = ~scores["training"].isin(trainings["training"]) & ~scores["status"].isin(UNTRAINED)
    _refuse(scores, lost, "training", "a training of the study's table of trainings", where)
    starts = trainings[["training", "seed"]].set_axis(["start", "source_seed"], axis="columns")
    runs = scores.merge(trainings, on="training", how="left", validate="many_to_one")
    return runs.merge(starts, on="start", how="left", validate="many_to_one")


def trainings_of(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the table of the trainings that scores are read from: not of what these needed."""
    named = runs[list(TRAININGS)].dropna(subset="training")
    return named.drop_duplicates("training", ignore_index=True)


def write_results(table: pd.DataFrame, path: Path) -> None:
    """Check a table of scores or of trainings, then write it as Parquet and, beside it, as CSV.

    Its columns show which of the two it is. Both files are written whole, or none.
    """
    check = check_scores if "score" in table else check_trainings
    checked = check(table, str(path))
    csv_path = path.with_suffix(".csv")
    with written_atomically(path) as parquet, written_atomically(csv_path) as csv:
        checked.to_parquet(parquet, index=False, write_page_checksum=True)
        checked.to_csv(csv, index=False)


def check_scores(
    table: pd.DataFrame, where: str, tasks: Collection[str] | None = None
) -> pd.DataFrame:
    """Return the table of scores with its columns in order and typed.

    tasks: those that it may name; None: any. where: its name in messages.

    Raises InputError for the first fault: a missing or unknown column, a value of the wrong type
    or outside what is allowed, a cell that occurs twice, or a task that is not among `tasks`.
    """
    typed = _typed(table, SCORES, where)
    for column in _REQUIRED:
        _refuse(typed, typed[column].isna(), column, "a value in every row", where)
    _check_words(typed, where, tasks)
    _check_numbers(typed, where)
    _check_spreads(typed, where)
    _check_variances(typed, where)
    untrained = typed["training"].isna() & ~typed["status"].isin(UNTRAINED)
    _refuse(typed, untrained, "training", f"an id unless status is {' or '.join(UNTRAINED)}", where)
    once = "each cell once; this one is a duplicate"
    _refuse(typed, typed.duplicated(list(KEY)), "restart", once, where)
    return typed


def check_trainings(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return the table of trainings as `check_scores` does that of scores; an id occurs once."""
    typed = _typed(table, TRAININGS, where)
    ids = typed["training"]
    _refuse(typed, ids.isna(), "training", "a value in every row", where)
    once = "each training once; this one is a duplicate"
    _refuse(typed, ids.duplicated(), "training", once, where)
    return typed


def in_order(names: Iterable[str]) -> list[str]:
    """Return the distinct names of a column in the order of its table, which is the plan's."""
    return list(dict.fromkeys(names))


def sources_in_order(cells: pd.DataFrame, column: str = "source") -> list[str]:
    """Return the sources of cells in the order of the plan, merged from the rows of each task.

    A task that is no source of itself is missing in its own row, so no row may have all.
    """
    order: TopologicalSorter[str] = TopologicalSorter()
    for _, own in cells.groupby("task", sort=False)[column]:
        sources = in_order(own)
        order.add(sources[0])
        for before, after in pairwise(sources):
            order.add(after, before)
    return list(order.static_order())


def trial(runs: pd.DataFrame) -> list[str]:
    """Return the columns that identify a run within its cell: restart, and before it, in a study
    with a grid of settings, point.
    """
    return ["point", "restart"] if runs["point"].notna().any() else ["restart"]


def of_full_size(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs but those of sources or tasks of a reduced size, and a source's training."""
    return runs[runs["examples"].isna() & runs["task_examples"].isna()]


def of_common_restarts(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs without the restarts that a stopped cell of their arm does not have.

    Cells were stopped for what their first restarts showed: means over cells of all the restarts
    that there are would lie too far from 0. Scores of intermediate tasks are all kept.
    """
    stopped = runs[runs["stopped"].notna()]
    if stopped.empty:
        return runs
    last = stopped.groupby(SCORED)["restart"].max().groupby("arm").min()
    beyond = (runs["restart"] > runs["arm"].map(last)).fillna(False)
    return runs[~beyond.astype(bool) | (runs["role"] == ROLES[0])]


def _table(rows: Iterable[Mapping[str, Any]], columns: _Columns) -> pd.DataFrame:
    checked = [_as_row(row, number, columns) for number, row in enumerate(rows, start=1)]
    return pd.DataFrame(checked, columns=list(columns)).astype(dict(columns))


def _as_row(row: Mapping[str, Any], number: int, columns: _Columns) -> dict[str, Any]:
    for key in row:
        if key not in columns:
            raise unknown(f"record {number}", "key", key, columns)
    return {key: _as_text(value) if key in JSON else value for key, value in row.items()}


def _as_text(value: Any) -> str | None:
    """JSON columns hold text; a row may hold them parsed."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def _part(row: Mapping[str, Any], columns: _Columns) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in columns}


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        # Whatever the file's metadata say of types: the checks give each column its own.
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
        return frame
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a whole Parquet file ({error}). Delete it and run again."
        ) from None


def _typed(table: pd.DataFrame, columns: _Columns, where: str) -> pd.DataFrame:
    """Return a copy with the columns in order and typed; InputError for what does not fit.

    A column that was added since the table was written has no values.
    """
    _check_columns(table, columns, where)
    typed = table.reindex(columns=list(columns)).reset_index(drop=True)
    for column, dtype in columns.items():
        try:
            typed[column] = typed[column].astype(dtype)
        except (TypeError, ValueError):
            fits = [_fits(value, dtype) for value in typed[column]]
            bad = ~pd.Series(fits, index=typed.index, dtype=bool)
            _refuse(typed, bad, column, dtype, where)
    return typed


def _check_columns(table: pd.DataFrame, columns: _Columns, where: str) -> None:
    missing = [column for column in columns if column not in table and column not in ADDED]
    if missing:
        raise InputError(
            f"{where}: column {missing[0]!r} is missing. Found: {', '.join(map(str, table))}."
        )
    for column in table:
        if column not in columns:
            raise unknown(where, "column", str(column), columns)


def _fits(value: Any, dtype: Any) -> bool:
    try:
        pd.Series([value]).astype(dtype)
    except (TypeError, ValueError):
        return False
    return True


def _check_words(table: pd.DataFrame, where: str, tasks: Collection[str] | None) -> None:
    allowed = {"role": ROLES, "status": STATUSES}
    if tasks is not None:
        allowed |= {"task": tuple(tasks), "source": (NO_SOURCE, *tasks)}
    for column, words in allowed.items():
        _refuse(table, ~table[column].isin(words), column, ", ".join(words), where)


def _check_numbers(scores: pd.DataFrame, where: str) -> None:
    low, high = SCORE_RANGE
    for column in ("score", "majority_score", "chance_score"):
        outside = scores[column].notna() & ~scores[column].between(low, high)
        _refuse(scores, outside, column, f"{low:g} to {high:g}", where)
    unscored = scores["status"].isin(["ok", "mean_only"]) & scores["score"].isna()
    _refuse(scores, unscored, "score", "a number where status is ok or mean_only", where)


def _check_spreads(scores: pd.DataFrame, where: str) -> None:
    """Refuse what cannot be the standard deviation or the number of runs of a published mean."""
    means = scores["metrics"].where(scores["status"] == "mean_only")
    parsed = [_parsed(text) if isinstance(text, str) else {} for text in means]
    broken = pd.Series([not isinstance(each, dict) for each in parsed], dtype=bool)
    _refuse(scores, broken, "metrics", "JSON of an object", where)
    for key, (fits, allowed) in _OF_A_MEAN.items():
        values = pd.Series([each.get(key) for each in parsed], dtype=object)
        bad = pd.Series([value is not None and not fits(value) for value in values], dtype=bool)
        column = f"metrics, key {key}"
        _refuse(scores.assign(**{column: values}), bad, column, allowed, where)


def _check_variances(scores: pd.DataFrame, where: str) -> None:
    """Refuse what cannot be the variance of a difference from each arm."""
    parsed = [_parsed(text) if isinstance(text, str) else {} for text in scores["example_var"]]
    bad = [
        not isinstance(each, dict) or not all(map(_is_variance, each.values())) for each in parsed
    ]
    allowed = "JSON of an object, arm -> a number, 0 or more"
    _refuse(scores, pd.Series(bad, dtype=bool), "example_var", allowed, where)


def _is_variance(value: Any) -> bool:
    return _is_number(value, 0)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _is_number(value: Any, least: float) -> bool:
    return isinstance(value, float | int) and value >= least


_OF_A_MEAN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "sd": (lambda value: _is_number(value, 0), "a number, 0 or more"),
    "n": (
        lambda value: _is_number(value, 1) and float(value).is_integer(),
        "a whole number, 1 or more",
    ),
}


def _refuse(
    table: pd.DataFrame, bad: pd.Series[bool], column: str, allowed: str, where: str
) -> None:
    """Raise InputError for the first bad row, if there is one."""
    if not bad.any():
        return
    number = int(bad.to_numpy().argmax())
    row = table.iloc[number]
    raise InputError(
        f"{where}: row {number + 1} ({_named(row)}), column {column}: "
        f"found {_shown(row[column])}. Allowed: {allowed}."
    )


def _named(row: pd.Series[Any]) -> str:
    """Return what identifies a row: a cell's key, or a training's id."""
    by_kind = {"role": KEY, "method": ("method", "target", "source")}
    key = next((names for kind, names in by_kind.items() if kind in row), ("training",))
    return ", ".join(f"{name} {row[name]}" for name in key if pd.notna(row[name]))


def _shown(value: Any) -> str:
    if pd.isna(value):
        return "nothing"
    return repr(value) if isinstance(value, str) else str(value)
