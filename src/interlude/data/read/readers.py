"""Readers: from the bytes of a source to rows, split by split.

A reader is called with the members of a source (split name -> bytes), a counter of dropped rows by
reason, which it may add to, and the options of the task file. It returns split name -> rows.
A source needs a reader of its own only where naming columns is not enough.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.read.decoded import Encoding, decoded
from interlude.data.read.lines import LinedRows, place_of
from interlude.data.read.separated import Quoting, Separator, table_rows
from interlude.data.read.similar import families
from interlude.errors import InputError

Row = dict[str, Any]
Rows = list[Row]
Members = dict[str, bytes]
Dropped = Counter[str]
Reader = Callable[..., dict[str, Rows]]

Parsed = TypeVar("Parsed")

READERS: dict[str, Reader] = {}


class UnusableError(Exception):
    """A row that a task cannot use; the message is the reason it is counted under."""


def reader(function: Reader) -> Reader:
    """Register a reader under its name, which is what `source.reader` of a task file gives."""
    READERS[function.__name__] = function
    return function


@reader
def jsonl(members: Members, dropped: Dropped, encoding: Encoding = "utf-8") -> dict[str, Rows]:
    """One JSON object per line, or a list of objects, as they stand."""
    return {split: json_lines(content, split, encoding) for split, content in members.items()}


@reader
def csv(
    members: Members,
    dropped: Dropped,
    separator: Separator = ",",
    quoting: Quoting | None = None,
    encoding: Encoding = "utf-8",
) -> dict[str, Rows]:
    """A table of text with a header; every value is text, an empty field is ''."""
    return {
        split: table_rows(decoded(content, where, encoding), where, separator, quoting)
        for split, content in members.items()
        for where in [f"split {split!r}"]
    }


@reader
def tsv(
    members: Members,
    dropped: Dropped,
    separator: Separator = "\t",
    quoting: Quoting | None = None,
    encoding: Encoding = "utf-8",
) -> dict[str, Rows]:
    """A table of text with tabs between its fields."""
    return csv(members, dropped, separator, quoting, encoding)


@reader
def parquet(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """A Parquet file, as it stands."""
    return {split: _parquet_rows(content, split) for split, content in members.items()}


@reader
def boolq(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """BoolQ from its SuperGLUE files joined (`combined`) and the official `dev` set.

    The unlabelled test rows are dropped. Returns `train` and `validation`, the official split.
    """
    held_out = {row["question"] for row in json_lines(members["dev"], "dev")}
    splits: dict[str, Rows] = {"train": [], "validation": []}
    for row in each(members["combined"], "combined", dropped, _labelled):
        splits["validation" if row["question"] in held_out else "train"].append(row)
    return splits


def _labelled(row: Row) -> Row:
    if "label" not in row:
        raise UnusableError("no label")
    return row


@reader
def lettered_choices(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """Multiple choice with `options` as lines 'A. ...' and `answer` as the right line.

    Adds the columns `choices` (list of string) and `choice` (index of the right one).
    """
    return _each_split(members, dropped, _lettered)


def _lettered(row: Row) -> Row:
    found = re.findall(r"^([A-Z])\. (.*)$", row["options"], flags=re.MULTILINE)
    letters = "".join(letter for letter, _ in found)
    choices = [text.strip() for _, text in found]
    right = letters.find(row["answer"].strip()[0])
    if not "ABCDEFGHIJ".startswith(letters) or right < 0:
        raise UnusableError("options are not lettered from A, or lack the answer")
    return {**row, "choices": choices, "choice": right}


@reader
def disfl_qa(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """Disfl-QA: question, passage, answer; only rows whose answer is in the passage as words.

    Adds `start` and `end`, the characters of its first occurrence, and `answers` as spelt there.
    """
    return _each_split(members, dropped, _located)


def _located(row: Row) -> Row:
    answer, passage = row["answer"].strip(), row["passage"]
    if answer.lower() == "unknown":
        raise UnusableError("no answer in the passage (marked unknown)")
    found = first_occurrence(answer, passage)
    if found is None:
        raise UnusableError("answer is not in the passage word for word")
    return {**row, "start": found.start(), "end": found.end(), "answers": [found[0]]}


def first_occurrence(answer: str, text: str) -> re.Match[str] | None:
    """Return where a text first has an answer as whole words, in its own case or else in any."""
    whole_words = rf"(?<!\w){re.escape(answer)}(?!\w)"
    return re.search(whole_words, text) or re.search(whole_words, text, re.IGNORECASE)


@reader
def chat(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """A chat prompt with its ideal answer: columns `text` (the last message) and `ideal`."""
    return _each_split(members, dropped, _chat)


def _chat(row: Row) -> Row:
    return {"text": row["input"][-1]["content"].strip(), "ideal": row["ideal"]}


@reader
def quartz(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """QuaRTz as chat prompts: columns `question`, `choices` (2), `choice` (index), `family`.

    Its questions come in flipped pairs that differ in a few words; a family holds near duplicates.
    """
    splits = _each_split(members, dropped, _two_options)
    return _with_family(splits, lambda row: " ".join([row["question"], *row["choices"]]))


def _two_options(row: Row) -> Row:
    found = re.fullmatch(r"(?s)(.+?)\n+ *A: (.+?)\n *B: (.+)", _chat(row)["text"])
    if found is None or row["ideal"] not in ("A", "B"):
        raise UnusableError("not a question with the options A and B")
    question, *choices = (part.strip() for part in found.groups())
    return {"question": question, "choices": choices, "choice": "AB".index(row["ideal"])}


@reader
def finance_ner(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """Named entities listed in text order: columns `text`, `tokens`, `tags` (BIO) and `family`.

    Agreements repeat each other's sentences; a family holds near duplicates.
    """
    return _with_family(_each_split(members, dropped, _tagged), lambda row: str(row["text"]))


def _tagged(row: Row) -> Row:
    text = _chat(row)["text"]
    tokens = text.split()
    tags = ["O"] * len(tokens)
    position = 0
    for name, kind in _entities(row["ideal"]):
        start = _find(name, tokens, position)
        position = start + len(name)
        tags[start:position] = [f"B-{kind}"] + [f"I-{kind}"] * (len(name) - 1)
    return {"text": text, "tokens": tokens, "tags": tags}


def _entities(listed: str) -> Iterator[tuple[list[str], str]]:
    """Yield the words and the type (PER, ORG, LOC) of each entity of '[a b - PERSON, ...]'."""
    for name, kind in re.findall(r"([^\[\],]+?) - (PERSON|ORGANIZATION|LOCATION)", listed):
        yield name.split(), kind[:3]


def _find(name: list[str], tokens: list[str], position: int) -> int:
    for start in range(position, len(tokens) - len(name) + 1):
        if tokens[start : start + len(name)] == name:
            return start
    raise UnusableError("an entity is not in the sentence word for word")


def _with_family(splits: dict[str, Rows], text_of: Callable[[Row], str]) -> dict[str, Rows]:
    return {
        split: [
            {**row, "family": f"{split} {family}"}
            for row, family in zip(rows, families([text_of(row) for row in rows]), strict=True)
        ]
        for split, rows in splits.items()
    }


def json_lines(content: bytes, split: str, encoding: str = "utf-8") -> Rows:
    """Return the rows of a file with a JSON object per line, or with one list of objects.

    InputError names the line, or the item of the list, that is no JSON object.
    """
    where = f"split {split!r}"
    text = decoded(content, where, encoding)
    if text.lstrip().startswith("["):
        items = enumerate(_parsed(text, where), start=1)
        return [_json_object(item, f"{where}, item {number}") for number, item in items]
    # split("\n"), since splitlines() would also cut at the line separators inside of JSON strings
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return LinedRows(
        (n, _json_object(_parsed(line, where, n), f"{where}, line {n}")) for n, line in lines
    )


def _parsed(text: str, where: str, first: int = 1) -> Any:
    """Return the value of a JSON text; first: the number of its first line in the file."""
    try:
        return _JSON.decode(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}, line {first + error.lineno - 1}: not valid JSON: {error.msg}, at character "
            f"{error.colno}. Allowed: an object per line, or one list of objects."
        ) from None
    except (ValueError, RecursionError) as error:  # of a key, a number of too many digits, a depth
        raise InputError(f"{where}, line {first}: not valid JSON: {error}.") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} is twice in one object")
    return row


_JSON = json.JSONDecoder(object_pairs_hook=_each_key_once)


def _json_object(value: Any, where: str) -> Row:
    if not isinstance(value, dict):
        raise InputError(f"{where}: found {str(value)[:40]!r}. Allowed: a JSON object.")
    return value


def _parquet_rows(content: bytes, split: str) -> Rows:
    try:
        rows: Rows = pq.read_table(pa.BufferReader(content)).to_pylist()
    except pa.ArrowInvalid as error:
        raise InputError(f"split {split!r}: not a readable Parquet file: {error}.") from None
    return rows


def rows_of(content: bytes, split: str) -> Rows:
    """Return the rows of a Parquet or a JSONL file, whichever it is."""
    is_parquet = content.startswith(b"PAR1")
    return _parquet_rows(content, split) if is_parquet else json_lines(content, split)


def _each_split(members: Members, dropped: Dropped, parse: Callable[[Row], Row]) -> dict[str, Rows]:
    return {s: list(each(content, s, dropped, parse)) for s, content in members.items()}


def each(
    content: bytes, split: str, dropped: Dropped, parse: Callable[[Row], Parsed]
) -> Iterator[Parsed]:
    """Yield the parsed rows of a Parquet or JSONL file; the unusable ones are counted by reason."""
    rows = rows_of(content, split)
    for index, row in enumerate(rows):
        try:
            yield parse(row)
        except UnusableError as reason:
            dropped[str(reason)] += 1
        except KeyError as missing:
            found = ", ".join(row)
            raise InputError(
                f"split {split!r}, {place_of(rows, index)}: no column {missing}. Found: {found}."
            ) from None
