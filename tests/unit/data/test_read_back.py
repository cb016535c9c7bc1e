"""Random tables, written by the csv module, by pandas and as JSON: read back exactly, or refused.

The tables are the same in every run of the same tests. `pytest -s` shows how many were tried.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from helpers.fuzzing import repeatable
from hypothesis import given, reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from interlude.data.read.readers import READERS
from interlude.errors import InputError

Table = list[dict[str, str]]
Written = tuple[str, bytes, dict[str, Any]]  # reader, content, options
Write = Callable[[DrawFn, Table], Written]

TABLES = 200  # of each kind
PIECES = [*"\"\"'',,;\t|\\\n\r #=:{}[]0\u2028\x85\x0b\u200b", "\r\n", "NA", "nan", "None", "null"]
PIECES += ["-1", "1.0", '\\"', '""', "e\u0301", "\U0001f600"]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.lists(st.sampled_from(PIECES) | CHARACTERS, max_size=6).map("".join)


@st.composite
def tables(draw: DrawFn) -> Table:
    """Some rows of two to four columns, whose names are texts as the others are."""
    starts = draw(st.lists(TEXTS, min_size=2, max_size=4))
    names = [f"{start}{number}" for number, start in enumerate(starts)]
    rows = draw(st.lists(st.tuples(*[TEXTS] * len(names)), min_size=1, max_size=5))
    return [dict(zip(names, row, strict=True)) for row in rows]


def by_csv(draw: DrawFn, rows: Table) -> Written:
    """Write as the csv module does, in one of its manners."""
    separator = draw(st.sampled_from(",;\t|"))
    quoting = draw(st.sampled_from(["double", "backslash", "none", None]))
    manner: dict[str, Any] = {"quoting": draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))}
    if quoting == "backslash":
        manner |= {"doublequote": False, "escapechar": "\\"}
    elif quoting == "none":
        manner = {"quoting": csv.QUOTE_NONE, "quotechar": None}
    buffer = io.StringIO(newline="")
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(buffer, delimiter=separator, lineterminator=ends, **manner)
    try:
        writer.writerows([list(rows[0]), *(list(row.values()) for row in rows)])
    except csv.Error:  # such a table cannot be written in this manner
        reject()
    return "csv", buffer.getvalue().encode(), {"separator": separator, "quoting": quoting}


def by_pandas(draw: DrawFn, rows: Table) -> Written:
    reader, separator = draw(st.sampled_from([("csv", ","), ("tsv", "\t")]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    index = draw(st.booleans())
    written = pd.DataFrame(rows).to_csv(sep=separator, index=index, quoting=quoting)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    options = {"encoding": encoding} | ({"quoting": "double"} if draw(st.booleans()) else {})
    return reader, written.encode(encoding), options


def by_json(draw: DrawFn, rows: Table) -> Written:
    as_ascii = draw(st.booleans())
    if draw(st.booleans()):
        indent = draw(st.sampled_from([None, 1]))
        return "jsonl", json.dumps(rows, ensure_ascii=as_ascii, indent=indent).encode(), {}
    lines = [json.dumps(row, ensure_ascii=as_ascii) for row in rows]
    return "jsonl", draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode(), {}


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
    ("write", "refused_at_most"), [(by_csv, 0.3), (by_pandas, 0.5), (by_json, 0)]
)
def test_a_table_is_read_back_exactly_or_refused_with_its_line(
    write: Write, refused_at_most: float
) -> None:
    seen = Counter[str]()

    @repeatable(TABLES)
    @given(data=st.data(), rows=tables())
    def read_exactly(data: st.DataObject, rows: Table) -> None:
        written = write(data.draw, rows)
        found = read_back(written)
        assert found in (None, rows, as_read(rows)), written
        seen.update(["read" if found else "refused"])

    read_exactly()
    print(f"{write.__name__}: {dict(seen)}")
    assert seen.total() >= TABLES
    assert seen["refused"] <= refused_at_most * seen.total()


@pytest.mark.parametrize("write", [by_csv, by_pandas, by_json])
def test_a_damaged_file_is_read_or_refused_and_nothing_else(write: Write) -> None:
    seen = Counter[str]()

    @repeatable(TABLES)
    @given(data=st.data(), rows=tables(), other=st.binary(max_size=2))
    def read_or_refused(data: st.DataObject, rows: Table, other: bytes) -> None:
        reader, content, options = write(data.draw, rows)
        place = data.draw(st.integers(0, len(content) - 1))
        read = read_back((reader, content[:place] + other + content[place + 1 :], options))
        if read and reader != "jsonl":
            assert all(row.keys() == read[0].keys() for row in read)
        seen.update(["refused" if read is None else "read"])

    read_or_refused()
    print(f"{write.__name__}, damaged: {dict(seen)}")
    assert seen.total() >= TABLES
    assert min(seen["read"], seen["refused"]) > 0
