"""Readers of published tasks where naming columns is not enough: one row becomes other rows.

The layout of the inputs is that of Pruksachatkun et al. 2020.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from interlude.data.read.readers import (
    Dropped,
    Members,
    Row,
    Rows,
    UnusableError,
    each,
    reader,
    rows_of,
)
from interlude.data.read.tokens import Tokens
from interlude.errors import InputError, unknown

COPA_QUESTIONS = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}
SENTEVAL_SPLITS = {"tr": "train", "va": "validation", "te": "test"}
FOLD_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


def exploded(members: Members, dropped: Dropped, parse: Callable[[Row], Rows]) -> dict[str, Rows]:
    """Return the rows that `parse` makes of each row of a Parquet or JSONL file, by split.

    Those of one row share a column `group`, unless `parse` gives it.
    """
    return {
        split: [
            {"group": f"{split}-{number}"} | row
            for number, rows in enumerate(each(content, split, dropped, parse))
            for row in rows
        ]
        for split, content in members.items()
    }


@reader
def copa(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """COPA: adds `prompt`, the question for the cause or the effect in words."""
    return exploded(
        members, dropped, lambda row: [row | {"prompt": COPA_QUESTIONS[row["question"]]}]
    )


@reader
def record(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """ReCoRD: one row for each entity of the passage, which fills the gap of the query.

    Adds `filled` (the query with the entity), `answer` (the entity) and `label` (whether right).
    """
    return exploded(members, dropped, _candidates)


def _candidates(row: Row) -> Rows:
    passage = re.sub(r"\s*@highlight\s*", " ", row["passage"])
    right = set(row["answers"])
    return [
        row
        | {
            "passage": passage,
            "filled": row["query"].replace("@placeholder", entity),
            "answer": entity,
            "label": str(entity in right),
        }
        for entity in dict.fromkeys(row["entities"])
    ]


@reader
def wsc(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """WSC: adds `span1` and `span2`, [start, end] in characters, from the numbers of words."""
    return exploded(
        members,
        dropped,
        lambda row: [row | {key: _word_span(row, key) for key in ("span1", "span2")}],
    )


def _word_span(row: Row, key: str) -> list[int]:
    """Return the characters of a span, from its text and the number of its first word.

    The text may differ in case and in white space.
    """
    words = list(re.finditer(r"\S+", row["text"]))
    index, text = row[f"{key}_index"], row[f"{key}_text"]
    start = words[index].start() if index < len(words) else len(row["text"])
    pattern = r"\s+".join(map(re.escape, text.split()))
    found = re.compile(pattern, re.IGNORECASE).match(row["text"], start)
    if found is None:
        raise UnusableError("the span is not at its place in the text")
    return [found.start(), found.end()]


@reader
def qa_srl(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """QA-SRL: one row for each answer span, with `start` and `answers` (this one).

    Ranges count words of the sentence, which are separated by one space; the end is exclusive.
    """
    return exploded(members, dropped, _answered)


def _answered(row: Row) -> Rows:
    sentence = Tokens(row["sentence"].split(" "))
    spans = [sentence.characters(*span) for span in row["answer_ranges"]]
    return [
        row
        | {
            "question": _question(row["question"]),
            "start": start,
            "end": end,
            "answers": [row["sentence"][start:end]],
        }
        for start, end in spans
    ]


def _question(given: str | list[str]) -> str:
    """Return a question in words; the data may have it as the seven slots of its template."""
    if isinstance(given, str):
        return given
    words = " ".join(slot for slot in given if slot not in ("", "_", "?"))
    return f"{words[0].upper()}{words[1:]}?"


@reader
def senteval(members: Members, dropped: Dropped) -> dict[str, Rows]:
    """A probing file of SentEval: lines of split (tr, va, te), label and sentence, with tabs."""
    splits: dict[str, Rows] = {split: [] for split in SENTEVAL_SPLITS.values()}
    for name, content in members.items():
        for number, line in enumerate(content.decode("utf8").split("\n"), start=1):
            if line:
                split, row = _senteval_row(line, f"split {name!r}, line {number}")
                splits[split].append(row)
    return splits


def _senteval_row(line: str, where: str) -> tuple[str, Row]:
    parts = line.rstrip("\r").split("\t")
    if len(parts) != 3 or parts[0] not in SENTEVAL_SPLITS:
        raise InputError(f"{where}: found {line[:40]!r}. Allowed: tr, va or te, label, sentence.")
    return SENTEVAL_SPLITS[parts[0]], {"label": parts[1], "sentence": parts[2]}


@reader
def folds(members: Members, dropped: Dropped, column: str = "fold1") -> dict[str, Rows]:
    """One file with a column that says, for each row, train, dev or test."""
    splits: dict[str, Rows] = {split: [] for split in FOLD_SPLITS.values()}
    for name, content in members.items():
        for row in rows_of(content, name):
            if row.get(column) not in FOLD_SPLITS:
                raise unknown(f"split {name!r}", column, str(row.get(column)), FOLD_SPLITS)
            splits[FOLD_SPLITS[row[column]]].append(row)
    return splits
