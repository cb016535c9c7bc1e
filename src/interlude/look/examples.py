"""Encoded examples put back into words: what a model sees of them, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from interlude.forms.examples import CUT, NO_CHOICE, Row

SHOWN = 3  # examples: the first, the last and one in between
MISSING = "cut off, or without a token"

Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Piece:
    """Words that follow each other in a sequence. special: a token that stands for none."""

    text: str
    special: bool


@dataclass(frozen=True)
class Example:
    """One example: its sequences in pieces, and by name what is asked of a model."""

    name: str
    tokens: int
    sequences: list[list[Piece]]
    asked: list[tuple[str, str]]


def examples_of(table: pa.Table, labels: Sequence[str], tokenizer: Any) -> list[Example]:
    """Return some examples of an encoded part, evenly apart."""
    last = table.num_rows - 1
    places = sorted({round(last * each / (SHOWN - 1)) for each in range(SHOWN)})
    rows = [table.slice(place, 1).to_pylist()[0] for place in places]
    return [_example(row, labels, tokenizer) for row in rows]


def _example(row: Row, labels: Sequence[str], tokenizer: Any) -> Example:
    special = set(tokenizer.all_special_ids)

    def decode(ids: Sequence[int]) -> str:
        return visible(str(tokenizer.decode(ids)).strip())

    sequences = [
        [
            Piece(decode(list(ids)), is_special)
            for is_special, ids in groupby(sequence, key=special.__contains__)
        ]
        for sequence in row["input_ids"]
    ]
    asked = [(name, visible(text)) for name, text in _asked(row, labels, decode)]
    return Example(visible(row["id"]), row["tokens"], sequences, asked)


def _asked(row: Row, labels: Sequence[str], decode: Decode) -> Iterator[tuple[str, str]]:
    """Yield what a model is asked for, by the columns that an example has."""
    ids = row["input_ids"][0]

    def between(first: int, last: int) -> str:
        return MISSING if first == CUT else decode(ids[first : last + 1])

    if "span_starts" in row:
        ends = zip(row["span_starts"], row["span_ends"], strict=True)
        yield from zip(_names_of_spans(row), (between(*each) for each in ends), strict=True)
    if "answer_start" in row:
        yield "answer", between(row["answer_start"], row["answer_end"])
    if "right" in row:
        none = row["right"] == NO_CHOICE
        yield "right", "none of them" if none else f"choice {row['right'] + 1}"
    elif "n_choices" in row:
        yield "right", f"sequence {row['label'] + 1} of {row['n_choices']}"
    elif "label" in row:
        yield "label", labels[row["label"]]
    if "labels" in row:
        yield "labels", ", ".join(labels[number] for number in row["labels"]) or "none"
    if "value" in row:
        yield "value", f"{row['value']:g}"
    if "tags" in row:
        yield "tags", _tagged(row, labels, decode)


def _names_of_spans(row: Row) -> list[str]:
    """Return what each span is: those to choose from stand behind the one that is asked about."""
    count = len(row["span_starts"])
    if "right" not in row:
        return [f"span {number + 1}" for number in range(count)]
    asked = count - row["n_choices"]
    return ["asked about"] * asked + [f"choice {n + 1}" for n in range(row["n_choices"])]


def _tagged(row: Row, labels: Sequence[str], decode: Decode) -> str:
    """Return each word, as far as its first token, with its tag."""
    ids = row["input_ids"][0]
    return ", ".join(
        f"{decode(ids[place : place + 1]) if place else MISSING} ({labels[tag]})"
        for place, tag in zip(row["positions"], row["tags"], strict=True)
    )


def visible(text: str) -> str:
    """Return a text in which every character shows: what does not is written as Python does."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
