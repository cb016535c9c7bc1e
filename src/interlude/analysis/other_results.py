"""Scores of anybody, in a file, as the tables of a study: see docs/other-results.md.

Either the `scores.parquet` of a study, or a CSV file.

A row is a run (`score`) or, as papers print them, a mean (`mean`, and where they are known `sd` and
`n`); one with neither is a run that is missing. Any other column is one of the tables of scores and
of trainings, by its name there, so that the `scores.csv` of a study can be imported as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.results import (
    POINTS,
    SCORE_RANGE,
    read_scores,
    read_trainings,
    split,
    to_trainings,
)
from interlude.errors import InputError, unknown
from interlude.words import NO_SOURCE, ROLES, SCORES, TRAININGS

RUN, MEAN = "score", "mean"
_OF_A_MEAN = ("sd", "n")
_SCORED = (RUN, MEAN, "sd", "majority_score", "chance_score")  # in points, where the file is
_NEEDED = ("source", "task")
_KNOWN = {**TRAININGS, **SCORES, MEAN: "float64", "sd": "float64", "n": "Int64"}


def tables_of_csv(path: Path, study: str, points: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of scores and of trainings of a CSV file.

    points: whether scores are in points, × 100. Raises InputError, which names file, line and
    column, for a column that is missing or unknown and a value that cannot be.
    """
    names, texts = _read(path)
    _check_columns(names, path)
    rows = list(_rows(texts, path, points))
    _number_restarts(rows)
    return split({"training": _id(row), **row, "study": study} for row in rows)


def tables_of_a_study(
    path: Path, study: str, trainings: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of a study's own scores.parquet under another name.

    trainings: its trainings.parquet; None: nothing is known of a training but its id, by which
    cells of the same one are recognised. Raises InputError for a file that is not such a table.
    """
    scores = read_scores(path).assign(study=study)
    if trainings is not None:
        return scores, read_trainings(trainings)
    ids = scores["training"].dropna().unique()
    return scores, to_trainings({"training": each} for each in ids)


def _read(path: Path) -> tuple[list[str], dict[int, dict[str, str]]]:
    """Return the header, and line -> the row that ends there; each as long as the header."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True, skipinitialspace=True)
            numbered = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.") from None
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV: {error}.") from None
    if len(numbered) < 2:
        raise InputError(f"{path}: found no row. Allowed: a header and one row or more.")
    (_, header), *rows = numbered
    names = [name.strip() for name in header]
    for line, row in rows:
        if len(row) != len(names):
            raise InputError(
                f"{path}: line {line}: found {len(row)} fields. Allowed: {len(names)}, as in the "
                "header; text that holds a comma stands in double quotes."
            )
    return names, {
        line: {name: text.strip() for name, text in zip(names, row, strict=True)}
        for line, row in rows
    }


def _check_columns(names: list[str], path: Path) -> None:
    for name in names:
        if name not in _KNOWN:
            raise unknown(f"{path}: line 1", "column", name, _KNOWN)
    if not {*_NEEDED} < {*names} or not {RUN, MEAN} & {*names} or len({*names}) < len(names):
        raise InputError(
            f"{path}: line 1: found the columns {', '.join(names)}. Allowed: {', '.join(_NEEDED)}, "
            f"and {RUN}, of a run, or {MEAN}, of several; others may follow, each once."
        )


def _rows(texts: dict[int, dict[str, str]], path: Path, points: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows with their values typed, and defaults for what they lack."""
    for line, fields in texts.items():
        where = f"{path}: line {line}"
        row = {name: _value(name, text, where, points) for name, text in fields.items() if text}
        _check_row(row, where)
        alone = row["source"] == NO_SOURCE
        yield _as_run({"arm": "single" if alone else "stilts", "role": "target", **row})


def _check_row(row: dict[str, Any], where: str) -> None:
    for name in _NEEDED:
        if name not in row:
            raise InputError(f"{where}, column {name}: found nothing. Allowed: a name.")
    if {RUN, MEAN} <= {*row}:
        raise InputError(f"{where}: found {RUN} and {MEAN}. Allowed: one of them.")
    if row.get("role", ROLES[0]) not in ROLES:
        raise unknown(f"{where}, column role", "role", row["role"], ROLES)


def _value(name: str, text: str, where: str, points: bool) -> Any:
    kind = _KNOWN[name]
    if kind not in ("float64", "Int64"):
        return text
    try:
        number = int(text) if kind == "Int64" else float(text)
    except ValueError:
        wanted = "a whole number" if kind == "Int64" else "a number"
        raise InputError(f"{where}, column {name}: found {text!r}. Allowed: {wanted}.") from None
    return _score(name, number, where, points) if name in _SCORED else number


def _score(name: str, number: float, where: str, points: bool) -> float:
    score = number / POINTS if points else number
    low, high = SCORE_RANGE
    if not low <= score <= high:
        hint = "" if points else f", or {low * POINTS:g} to {high * POINTS:g} with points: true"
        scale = POINTS if points else 1
        raise InputError(
            f"{where}, column {name}: found {number:g}. Allowed: {low * scale:g} to "
            f"{high * scale:g}{hint}."
        )
    return score


def _as_run(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the table of scores: a run, a mean, or one that is missing."""
    spread = {name: row.pop(name) for name in _OF_A_MEAN if name in row}
    if MEAN in row:
        shared = {"status": "mean_only", "reason": "given as a mean over runs", "metrics": spread}
        return {"score": row.pop(MEAN), **shared, **row}
    return {"status": "ok" if RUN in row else "missing", **row}


def _number_restarts(rows: list[dict[str, Any]]) -> None:
    """Give the rows of a cell that have no restart the numbers 1, 2, … in their order."""
    seen: dict[tuple[Any, ...], int] = {}
    for row in rows:
        cell = tuple(row.get(name) for name in ("arm", "role", "source", "task", "point"))
        seen[cell] = seen.get(cell, 0) + 1
        row.setdefault("restart", seen[cell])


def _id(row: dict[str, Any]) -> str:
    """Return the id of a training: any text does that no other one has."""
    key = ("arm", "role", "source", "task", "point", "restart")
    return "/".join(str(row[name]) for name in key if name in row)
