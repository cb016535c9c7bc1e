"""Readers: from the bytes of a source to rows, split by split.

A reader is called with the members of a source (split name -> bytes), a counter of dropped rows by
reason, which it may add to, and the options of the task file. It returns split name -> rows.
A source needs a reader of its own only where naming columns is not enough.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

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
def jsonl(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """One JSON object per line, as it stands."""
    return {split: json_lines(content, split) for split, content in members.items()}


@reader
def csv(members: Members, dropped: Dropped, separator: str = ",") -> dict[str, Rows]:
    """Comma-separated values with a header; every value is text, an empty field is ''."""
    return {split: _csv_rows(content, split, separator) for split, content in members.items()}


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
    whole_words = rf"(?<!\w){re.escape(answer)}(?!\w)"
    found = re.search(whole_words, passage) or re.search(whole_words, passage, re.IGNORECASE)
    if found is None:
        raise UnusableError("answer is not in the passage word for word")
    return {**row, "start": found.start(), "end": found.end(), "answers": [found[0]]}


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


def json_lines(content: bytes, split: str) -> Rows:
    """Return the rows of a JSONL file; InputError names the line that is no JSON object."""
    rows = []
    # split("\n"), since splitlines() would also cut at the line separators inside of JSON strings
    for number, line in enumerate(_decoded(content, split).split("\n"), start=1):
        if line.strip():
            rows.append(_json_object(line, f"split {split!r}, line {number}"))
    return rows


def _json_object(line: str, where: str) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{where}: not valid JSON: {error}.") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: found {line[:40]!r}. Allowed: a JSON object.")
    return row


def _decoded(content: bytes, split: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"split {split!r}: not UTF-8 text: {error}.") from None


def _csv_rows(content: bytes, split: str, separator: str) -> Rows:
    text = io.StringIO(_decoded(content, split))
    try:
        frame = pd.read_csv(text, sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"split {split!r}: not a readable CSV file: {error}") from None
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


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
    for number, row in enumerate(rows_of(content, split), start=1):
        try:
            yield parse(row)
        except UnusableError as reason:
            dropped[str(reason)] += 1
        except KeyError as missing:
            found = ", ".join(row)
            raise InputError(
                f"split {split!r}, row {number}: no column {missing}. Found: {found}."
            ) from None
