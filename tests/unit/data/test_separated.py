"""CSV and TSV as users bring them: what the file holds, or a message with the line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlude.data.read.readers import READERS
from interlude.data.read.rows import read_rows
from interlude.errors import InputError
from interlude.plan.tasks import Task, load_task

from .conftest import Rows

HEADER = "review,verdict\n"


def table(text: str | bytes, reader: str = "csv", **options: Any) -> Rows:
    content = text.encode() if isinstance(text, str) else text
    return READERS[reader]({"all": content}, Counter(), **options)["all"]


def refused(text: str | bytes, message: str, reader: str = "csv", **options: Any) -> None:
    with pytest.raises(InputError, match=message) as caught:
        table(text, reader, **options)
    assert str(caught.value).startswith("split 'all', line")


ODD_LINE_ENDS = "a\u2028b\x0bc\x85d"
LONG = "a" * 200_000
GOOD = {
    "commas, quotes and line ends in quotes": (
        HEADER + '"a, ""b""\nc",good\nd,bad\n',
        [('a, "b"\nc', "good"), ("d", "bad")],
    ),
    "a byte order mark and the line ends of Windows": (
        "\ufeff" + '"review",verdict\r\n"a\r\nb",good\r\n',
        [("a\r\nb", "good")],
    ),
    "the line ends of the old Mac": (
        'review,verdict\r"a\rb",good\rc,bad',
        [("a\rb", "good"), ("c", "bad")],
    ),
    "words that other programs take for missing": (
        HEADER + "NA,good\nnull,None\n",
        [("NA", "good"), ("null", "None")],
    ),
    "a carriage return in quotes": (HEADER + '"a\rb",good\n', [("a\rb", "good")]),
    "empty fields": (HEADER + ",good\na,\n", [("", "good"), ("a", "")]),
    "blank lines": (HEADER + "\na,good\n\r\n\n", [("a", "good")]),
    "a quote within a field": (HEADER + '5" tall,good\n', [('5" tall', "good")]),
    "no line end at the end": (HEADER + "a,good", [("a", "good")]),
    "ends of lines that are none": (HEADER + f"{ODD_LINE_ENDS},x\n", [(ODD_LINE_ENDS, "x")]),
    "blanks in quotes": (HEADER + '" ""a""",good\n', [(' "a"', "good")]),
    "blanks around a field": (HEADER + " a , good\n", [(" a ", " good")]),
    "a column of row numbers": (",review,verdict\n0,a,good\n", [("a", "good")]),
    "empty columns without a name": ("review,verdict,,\na,good,,\n", [("a", "good")]),
    "a very long field": (HEADER + f"{LONG},good\n", [(LONG, "good")]),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_rows_are_those_of_the_file(name: str) -> None:
    text, rows = GOOD[name]
    assert table(text) == [{"review": review, "verdict": verdict} for review, verdict in rows]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "a,good,\nb,bad,\n",
            r"line 2: found 3 fields, with ',' at the end of the line\. Allowed: 2, .*\(review,ver",
        ),
        ("x, a,good\ny, b,bad\n", "line 2: found 3 fields; one that holds ','"),
        ("a,good\nloud, empty,bad\n", "line 3: found 3 fields; one that holds"),
        ("a,good\nb\nc,bad\n", "line 3: found 1 field. Allowed: 2"),
        ('"a\nb\nc",good\nd\n', "line 5: found 1 field. Allowed: 2"),
        ("a,good\n  \n", "line 3: found 1 field. Allowed: 2"),
        ("a,good\nb\rc,bad\n", "line 3: found a carriage return that ends no line"),
        ("a,good\n\rc,bad\n", "line 3: found a carriage return"),
        (r'"a \"b\", c",good' + "\n", "line 2: found text behind the quote.*backslash"),
        ('"a \\"b\\"",good\n"c",bad\n', "line 2: found text behind the quote.* written twice"),
        ('"a \\"",good\n"c",bad\n', "lines 2 to 3: found text behind the quote"),
        ('a,good\n"b,bad\nc,good\n', "lines 3 to 4: found a quote that begins"),
        ('"so-so" they say,bad\n', "line 2: found text behind the quote"),
        ('a,good\n"b", "bad"\n', "line 3: found ' \"bad\"', with blanks before its first quote"),
        (' "a",good\n', "line 2: found ' \"a\"', with blanks before its first quote"),
        ("a,good\nreview,verdict\nb,bad\n", "line 3: found the header again"),
        ("a,good\n\ufeffreview,verdict\n", "line 3: found the header again"),
    ],
)
def test_a_row_that_is_not_as_the_header_says_is_named(rows: str, message: str) -> None:
    refused(HEADER + rows, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: found no header"),
        ("\n\n", "line 1: found no header"),
        (",\n1,2\n", "line 1: found no header"),
        ("review,verdict,review\na,b,c\n", "line 1: found the column 'review' twice"),
        ("review;verdict\na;good\n", "line 1: found one column, 'review;verdict'.*separator"),
        ("review\tverdict\na\tgood\n", r"line 1: found one column, 'review\\tverdict'"),
        ("sep=;\nreview;verdict\n", "line 1: found one column, 'sep=;'"),
        ("review,verdict,\nloud, empty,bad\n", "line 2: found 'bad' in a column without a name"),
        (HEADER + "a\0b,good\n", "line 2: found the character NUL, .*source.options.encoding"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(text: str, message: str) -> None:
    refused(text, message)


def test_a_separator() -> None:
    rows = [{"a": "x, y", "b": "1"}]
    for separator in (";", "|", "\t", " "):
        text = "a{0}b\n{1}{0}1\n".format(separator, '"x, y"' if separator == " " else "x, y")
        assert table(text, separator=separator) == rows
    assert table("a\tb\nx, y\t1\n", separator=r"\t") == rows
    assert table("a\tb\nx, y\t1\n", "tsv") == rows


def test_quotes_in_files_with_tabs_must_be_told() -> None:
    text = 'q\tdup\n"Best" way?\t1\n"What\t0\nWhy "so?\t1\n'
    refused(
        text, r"line 2: found '\"Best\" way\?', which begins with a quote.*quoting: none", "tsv"
    )
    refused(text, "line 2: found", separator="\t")
    assert [row["q"] for row in table(text, "tsv", quoting="none")] == [
        line.split("\t")[0] for line in text.splitlines()[1:]
    ]
    assert table('q\tdup\n"a\tb"\t1\n', "tsv", quoting="double") == [{"q": "a\tb", "dup": "1"}]
    assert table('q\tdup\na "b"\t1\n', "tsv") == [{"q": 'a "b"', "dup": "1"}]


def test_two_rows_that_quotes_could_join_are_not_joined() -> None:
    refused('review\tverdict\n"open\tbad\nend"\tgood\n', "line 2: found '\"open'", "tsv")


def test_backslashes_before_quotes_by_declaration() -> None:
    rows = [{"a": 'he said "no", and left', "b": "C:\\new"}, {"a": "ends with \\", "b": '"'}]
    text = 'a,b\n"he said \\"no\\", and left",C:\\new\n"ends with \\\\","\\""\n'
    assert table(text, quoting="backslash") == rows
    written = io.StringIO()
    writer = csv.writer(written, escapechar="\\", doublequote=False, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *(row.values() for row in rows)])
    assert table(written.getvalue(), quoting="backslash") == rows


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp1252", "utf-8-sig"])
def test_an_encoding(encoding: str) -> None:
    text = "review,verdict\ncafé,good\n"
    assert table(text.encode(encoding), encoding=encoding) == [
        {"review": "café", "verdict": "good"}
    ]
    assert READERS["jsonl"](
        {"all": '{"a": "é"}\n'.encode(encoding)}, Counter(), encoding=encoding
    ) == {"all": [{"a": "é"}]}


@pytest.mark.parametrize("reader", ["csv", "tsv", "jsonl"])
def test_a_byte_that_is_no_text_is_named_with_its_line(reader: str) -> None:
    rows = {"csv": 'a,b\n"x\ny",z\n', "tsv": "a\tb\nx\ty\n\n", "jsonl": '{"a": 1}\n' * 3}[reader]
    content = rows.encode() + "café".encode("latin-1")
    refused(content, r"line 4: found the byte 0xe9, which is no text in utf-8\. .*cp1252", reader)
    refused("a,b\n".encode("utf-16"), "line 1: found the byte 0xff, .*such as utf-16", reader)
    refused("a,b\n".encode("utf-16-le"), "line 1: found the character NUL", reader)
    refused("a,b\né".encode("utf-16")[:-1], "line 2: found the byte", reader, encoding="utf-16")


def test_a_list_of_objects_is_read_as_lines_are() -> None:
    rows = [{"a": "x\u2028y", "b": None}, {"a": "z"}]
    for indent in (None, 1):
        assert table(" \n" + json.dumps(rows, indent=indent), "jsonl") == rows
    with pytest.raises(InputError, match=r"split 'all', line 3: not valid JSON"):
        table('[\n{"a": 1},\n{"a" 1}]', "jsonl")
    with pytest.raises(InputError, match=r"split 'all', item 2: found '3'. Allowed: a JSON object"):
        table('[{"a": 1}, 3]', "jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": 1, "a": 2}\n', "line 2: not valid JSON: the key 'a' is twice"),
        ('{"a": {"b": 1, "b": 1}}\n', "line 1: not valid JSON: the key 'b' is twice"),
        ('{"a": ' + "1" * 5000 + "}\n", "line 1: not valid JSON: "),
        ('{"a": ' + "[" * 100_000 + "\n", "line 1: not valid JSON: "),
        (
            '{\n "data": []\n}\n',
            "line 1: not valid JSON: .*Allowed: an object per line, or one list",
        ),
    ],
)
def test_json_that_is_no_object_per_line_is_named(text: str, message: str) -> None:
    refused(text, message, "jsonl")


ROWS = [{"text": "a", "label": "yes"}, {"text": "b", "label": "no"}]
COMMAS, TABS = b"text,label\na,yes\nb,no\n", b"text\tlabel\na\tyes\nb\tno\n"
LINES, LIST = "".join(f"{json.dumps(row)}\n" for row in ROWS).encode(), json.dumps(ROWS).encode()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def of_file(
    task: Callable[..., Task], names: dict[str, str], contents: dict[str, bytes], **source: Any
) -> dict[str, Rows]:
    mine = task([], source={"files": names, **source})
    return read_rows(mine, names, contents)[0]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("my.csv", COMMAS),
        ("MY.CSV", COMMAS),
        ("my.csv.gz", packed(COMMAS)),
        ("my.tsv", TABS),
        ("my.v2.tsv.GZ", packed(TABS)),
        ("my.json", LIST),
        ("my.json", LINES),
        ("my.jsonl.gz", packed(LINES)),
    ],
)
def test_the_ending_tells_how_a_file_is_read(
    name: str, content: bytes, task: Callable[..., Task]
) -> None:
    assert of_file(task, {"all": name}, {"all": content}) == {"all": ROWS}


@pytest.mark.parametrize("names", [["my.txt"], ["my.gz"], ["my"], ["my.csv", "my.tsv"]])
def test_an_ending_that_tells_nothing_is_named_with_those_that_do(
    names: list[str], task: Callable[..., Task]
) -> None:
    by_split = {f"split{number}": name for number, name in enumerate(names)}
    allowed = (
        r"\. Allowed: one of \.csv, \.tsv, \.jsonl, \.json, \.parquet, \.conll, \.conllu for all"
    )
    with pytest.raises(InputError, match=rf"key source\.reader: not set, .*{allowed}"):
        of_file(task, by_split, dict.fromkeys(by_split, COMMAS))


def test_a_message_names_the_file(task: Callable[..., Task]) -> None:
    names = {"train": "one.csv", "dev": "two.csv"}
    contents = {"train": COMMAS, "dev": COMMAS + b"c\n"}
    with pytest.raises(
        InputError, match=r"key source: two\.csv: split 'dev', line 4: found 1 field"
    ):
        of_file(task, names, contents)


@pytest.mark.parametrize("content", [COMMAS, packed(COMMAS)[:-9]])
def test_a_file_that_is_not_whole_is_named(content: bytes, task: Callable[..., Task]) -> None:
    with pytest.raises(InputError, match=r"my\.csv\.gz: split 'all': not a whole gzip file"):
        of_file(task, {"all": "my.csv.gz"}, {"all": content})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ""}, r"separator: found ''. Allowed: one character"),
        ({"separator": ";;"}, r"separator: found ';;'. Allowed: one character"),
        ({"separator": "\n"}, r"separator: found '\\n'. Allowed: one character"),
        ({"separator": '"'}, r"separator: found '\"'. Allowed: one character"),
        ({"separator": 5}, r"separator: found 5. Allowed: one character"),
        ({"separator": None}, r"separator: found null. Allowed: one character"),
        (
            {"quoting": "nome"},
            r"quoting: found 'nome'. Did you mean 'none'\? Allowed: double, back",
        ),
        ({"quoting": False}, r"quoting: found false. Allowed: double, backslash, none"),
        ({"encoding": "utf9"}, r"encoding: found 'utf9'. Allowed: an encoding of text .* cp1252"),
        ({"encoding": "rot13"}, r"encoding: found 'rot13'. Allowed: an encoding of text"),
        ({"encoding": 8}, r"encoding: found 8. Allowed: text"),
    ],
)
def test_an_option_is_held_to_what_is_allowed(
    options: dict[str, Any], message: str, task: Callable[..., Task]
) -> None:
    with pytest.raises(InputError, match=rf"mine\.yaml: key source\.options\.{message}"):
        of_file(task, {"all": "my.csv"}, {"all": COMMAS}, options=options)


def test_a_reader_without_options_says_so(task: Callable[..., Task]) -> None:
    message = r"key source\.options: found separator. The reader parquet has no options"
    with pytest.raises(InputError, match=message):
        of_file(task, {"all": "my.parquet"}, {"all": b""}, options={"separator": ";"})


def test_a_tab_in_single_quotes_is_a_tab(task: Callable[..., Task], tmp_path: Path) -> None:
    mine = task([], source={"files": {"all": "my.csv"}, "options": {"separator": "; "}})
    text = mine.path.read_text().replace("'; '", "'\\t'")
    assert "separator: '\\t'" in text
    mine.path.write_text(text)
    assert read_rows(load_task(mine.path), {"all": "my.csv"}, {"all": TABS})[0] == {"all": ROWS}
