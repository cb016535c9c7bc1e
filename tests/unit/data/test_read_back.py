"""Random tables, written by the csv module, by pandas and as JSON: read back exactly, or refused.

The tables are the same in every run. `pytest -s` shows how many were tried.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from interlude.data.read.readers import READERS
from interlude.errors import InputError

Table = list[dict[str, str]]
Written = tuple[str, bytes, dict[str, Any]]  # reader, content, options

TABLES = 1500
PIECES = [
    *"\"\"'',,;\t|\\\n\r #=:{}[]0",
    "\r\n",
    "a",
    "été",
    "語",
    "\U0001f600",
    "e\u0301",
    "\u2028",
]
PIECES += ["\x85", "\x0b", "\u200b", "NA", "nan", "None", "null", "-1", "1.0", "", '\\"', '""']


def text(draw: random.Random, shortest: int = 0) -> str:
    return "".join(draw.choices(PIECES, k=draw.randint(shortest, 6)))


def table(draw: random.Random) -> Table:
    """Return some rows of two to four columns, whose names are texts as the others are."""
    names = {f"{text(draw)}{number}" for number in range(draw.randint(2, 4))}
    return [{name: text(draw) for name in sorted(names)} for _ in range(draw.randint(1, 5))]


def by_csv(draw: random.Random, rows: Table) -> Written:
    """Write as the csv module does, in one of its manners."""
    separator = draw.choice(",;\t|")
    quoting = draw.choice(["double", "backslash", "none", None])
    manner: dict[str, Any] = {"quoting": draw.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])}
    if quoting == "backslash":
        manner |= {"doublequote": False, "escapechar": "\\"}
    elif quoting == "none":
        manner = {"quoting": csv.QUOTE_NONE, "quotechar": None}
    buffer = io.StringIO(newline="")
    ends = draw.choice(["\n", "\r\n"])
    writer = csv.writer(buffer, delimiter=separator, lineterminator=ends, **manner)
    writer.writerows([list(rows[0]), *(list(row.values()) for row in rows)])
    return "csv", buffer.getvalue().encode(), {"separator": separator, "quoting": quoting}


def by_pandas(draw: random.Random, rows: Table) -> Written:
    reader, separator = draw.choice([("csv", ","), ("tsv", "\t")])
    manner: dict[str, Any] = {"quoting": draw.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])}
    written = pd.DataFrame(rows).to_csv(sep=separator, index=draw.random() < 0.5, **manner)
    encoding = draw.choice(["utf-8", "utf-8-sig", "utf-16"])
    options = {"encoding": encoding} | ({"quoting": "double"} if draw.random() < 0.5 else {})
    return reader, written.encode(encoding), options


def by_json(draw: random.Random, rows: Table) -> Written:
    as_ascii = draw.random() < 0.5
    if draw.random() < 0.5:
        indent = draw.choice([None, 1])
        return "jsonl", json.dumps(rows, ensure_ascii=as_ascii, indent=indent).encode(), {}
    lines = [json.dumps(row, ensure_ascii=as_ascii) for row in rows]
    return "jsonl", draw.choice(["\n", "\r\n"]).join(lines).encode(), {}


def read_back(written: Written) -> Table | None:
    """Return the rows; None where the file is refused, with a message that names the line."""
    reader, content, options = written
    try:
        return READERS[reader]({"all": content}, Counter(), **options)["all"]
    except InputError as error:
        refusal = str(error)
    assert re.match(r"split 'all', (lines?|item) \d+", refusal), written
    return None


def as_read(rows: Table) -> Table:
    """Return rows without what no reader can tell from an end of a line: \\r before it."""
    last = list(rows[0])[-1]
    return [row | {last: row[last].rstrip("\r")} for row in rows]


@pytest.mark.parametrize(
    ("write", "refused_at_most"), [(by_csv, 0.2), (by_pandas, 0.4), (by_json, 0)]
)
def test_a_table_is_read_back_exactly_or_refused_with_its_line(
    write: Callable[[random.Random, Table], Written],
    refused_at_most: float,
    record_property: Callable[[str, object], None],
) -> None:
    draw, seen = random.Random(15), Counter[str]()
    while seen["tables"] < TABLES:
        rows = table(draw)
        try:
            written = write(draw, rows)
        except csv.Error:  # such a table cannot be written in this manner
            continue
        found = read_back(written)
        assert found in (None, rows, as_read(rows)), written
        seen["tables"] += 1
        seen["refused"] += found is None
    print(f"{write.__name__}: {dict(seen)}")
    record_property("seen", dict(seen))
    assert seen["refused"] <= refused_at_most * TABLES


@pytest.mark.parametrize("write", [by_csv, by_pandas, by_json])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(
    write: Callable[[random.Random, Table], Written],
    record_property: Callable[[str, object], None],
) -> None:
    draw, seen = random.Random(16), Counter[str]()
    while seen["files"] < TABLES:
        try:
            reader, content, options = write(draw, table(draw))
        except csv.Error:
            continue
        place = draw.randrange(len(content))
        damaged = content[:place] + draw.randbytes(draw.randint(0, 2)) + content[place + 1 :]
        rows = read_back((reader, damaged, options))
        if rows and reader != "jsonl":
            assert all(row.keys() == rows[0].keys() for row in rows)
        seen["files"] += 1
        seen["refused"] += rows is None
    record_property("seen", dict(seen))
    assert 0 < seen["refused"] < TABLES
