"""Tables as a reader sees them: few columns, titles for ids, numbers as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from interlude.analysis.options import Options
from interlude.report.columns import COLUMNS, COMPARED, OF_A_SWEEP, SOURCE, TASK, Column, P
from interlude.words import NO_SOURCE

MISSING = "–"
_YES_NO = {"True": "yes", "False": "no"}
_NOTES = 6  # most of them below a table
_LEAST_P = 0.0005  # below it, three decimals show nothing
_LONG = 20  # characters from which on a column of texts is a wide one


@dataclass(frozen=True)
class Head:
    """The head of a column; kind: `number`, `text` or `long` (a text of many words)."""

    title: str
    kind: str


@dataclass(frozen=True)
class Shown:
    """A table of the page: heads, rows of texts, how many columns the file has, and its notes."""

    heads: tuple[Head, ...]
    rows: list[list[str]]
    columns: int
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> pd.DataFrame:
    """Return a table as text, as it is written; what is missing is missing."""
    return pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""])


def reader_table(name: str, table: pd.DataFrame, options: Options) -> Shown:
    """Return what the page shows of a table of the catalog.

    table: of `read_table`. A column without any value is left out, as are role, arm and contrast
    where there is one; of tables of pairs, each pair shows once.
    """
    rows = _each_pair_once(table)
    columns = [column for column in columns_of(name, table) if _says_something(column, rows)]
    texts = [shown(column, rows, options) for column in columns]
    heads = tuple(map(_head, columns, texts))
    notes = () if any(column.names == ("note",) for column in columns) else _notes(rows)
    return Shown(heads, [list(row) for row in zip(*texts, strict=True)], table.shape[1], notes)


def plain_table(table: pd.DataFrame, missing: str) -> Shown:
    """Return all of a table that is not of the catalog; missing: what a missing value shows."""
    columns = [[_plain(value, missing) for value in table[name]] for name in table]
    kinds = [
        "number" if pd.api.types.is_numeric_dtype(table[name]) else _kind_of_text(texts)
        for name, texts in zip(table, columns, strict=True)
    ]
    heads = tuple(Head(_words(str(name)), kind) for name, kind in zip(table, kinds, strict=True))
    return Shown(heads, [list(row) for row in zip(*columns, strict=True)], len(heads))


def columns_of(name: str, table: pd.DataFrame) -> list[Column]:
    """Return the columns that the page shows of a table, where the table has them."""
    columns = list(COLUMNS[name])
    if name == "sweep":
        settings = [each for each in map(str, table) if each not in OF_A_SWEEP]
        columns[2:2] = [Column((each,), _words(each)) for each in settings]
    if not any("against" in column.names for column in columns):
        columns.insert(0, COMPARED)
    return [column for column in columns if {*column.names} <= {*table}]


def shown(column: Column, rows: pd.DataFrame, options: Options) -> list[str]:
    """Return the texts of a column, one for each row."""
    if column.is_number:
        parts = [rows[name].map(lambda text: _number(text, column.form)) for name in column.names]
        return parts[0].tolist() if len(parts) == 1 else [*map(_interval, *parts)]
    if column.form == TASK:
        return [_title(name, options) for name in rows[column.names[0]]]
    if column.form == SOURCE:
        arms = rows["arm"] if "arm" in rows else [""] * len(rows)
        return [
            _source(names, arm, options)
            for names, arm in zip(rows[column.names[0]], arms, strict=True)
        ]
    joint = " against " if column == COMPARED else ", "
    return [_joined(row, joint) for row in rows[list(column.names)].itertuples(index=False)]


def _says_something(column: Column, rows: pd.DataFrame) -> bool:
    values = rows[list(column.names)].drop_duplicates()
    fewest = 2 if column == COMPARED or column.names[0] in ("role", "arm") else 1
    return len(values.dropna(how="all")) >= fewest or rows.empty


def _each_pair_once(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of pairs of tasks without a task beside itself, and without (b, a) of (a, b).

    Any other table as it is.
    """
    if "task_b" not in table:
        return table
    roles = table["role_a"] if "role_a" in table else ["target"] * len(table)
    ends = zip(table["task_a"], roles, table["task_b"], table["role_b"], strict=True)
    pairs = pd.Series([frozenset([(a, of), (b, its)]) for a, of, b, its in ends], dtype="object")
    keep = ~pairs.duplicated() & (pairs.map(len) == 2)
    return table[keep.to_numpy(dtype=bool)]


def _notes(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the notes of the rows, each once, with the number of rows; the most frequent ones."""
    counts = rows["note"].value_counts() if "note" in rows else pd.Series(dtype="int64")
    notes = [f"{note} ({n} of {len(rows)} rows)" for note, n in counts.head(_NOTES).items()]
    more = len(counts) - len(notes)
    return (*notes, *([f"{more} other notes, in the CSV"] if more else []))


def _head(column: Column, texts: Sequence[str]) -> Head:
    return Head(column.head, "number" if column.is_number else _kind_of_text(texts))


def _kind_of_text(texts: Sequence[str]) -> str:
    return "long" if any(len(text) > _LONG for text in texts) else "text"


def _number(text: str | float, form: str) -> str:
    if pd.isna(text):
        return ""
    try:
        value = float(text)
    except ValueError:  # a setting may be a word
        return str(text)
    return "<0.001" if form == P and value < _LEAST_P else format(value, form)


def _interval(low: str, high: str) -> str:
    return f"[{low}, {high}]" if low and high else ""


def _title(name: str | float, options: Options) -> str:
    return "" if pd.isna(name) else options.title(str(name))


def _source(names: str | float, arm: str, options: Options) -> str:
    """Return the title of a source, or of several that stand in one cell."""
    if pd.isna(names):
        return ""
    each = str(names).split(", ")
    titles = [name if name == NO_SOURCE else options.source_title(name, arm) for name in each]
    return ", ".join(titles)


def _joined(values: Sequence[str | float], joint: str) -> str:
    texts = [_YES_NO.get(str(value), str(value)) for value in values if not pd.isna(value)]
    return joint.join(texts)


def _plain(value: object, missing: str) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        return missing
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _words(name: str) -> str:
    """Return the name of a column as a head: `learning_rate` as Learning rate."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]
