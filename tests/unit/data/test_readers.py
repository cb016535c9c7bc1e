"""Readers turn the bytes of a source into rows and count what they drop."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.data.read.readers import READERS
from interlude.errors import InputError

from .conftest import Rows, jsonl


def read(name: str, rows: Rows) -> tuple[Rows, Counter[str]]:
    dropped: Counter[str] = Counter()
    return READERS[name]({"all": jsonl(rows)}, dropped)["all"], dropped


def chat(content: str, ideal: str) -> dict[str, Any]:
    return {"input": [{"role": "system", "content": "?"}, {"content": content}], "ideal": ideal}


def test_the_three_file_formats_give_the_same_rows() -> None:
    rows = [{"text": "a, b", "label": "yes"}, {"text": "c\u2028d", "label": ""}]
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    contents = {
        "jsonl": jsonl(rows),
        "csv": 'text,label\n"a, b",yes\nc\u2028d,\n'.encode(),
        "parquet": parquet.getvalue(),
    }
    for name, content in contents.items():
        assert READERS[name]({"all": content}, Counter()) == {"all": rows}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jsonl", b'{"a": 1}\n{"a":\n', "split 'all', line 2: not valid JSON"),
        ("jsonl", b'{"a": 1}\n1\n', "split 'all', line 2: found '1'. Allowed: a JSON object"),
        ("jsonl", b"\xff", "split 'all', line 1: found the byte 0xff"),
        ("csv", b"", "split 'all', line 1: found no header"),
        ("parquet", b"no", "split 'all': not a readable Parquet file"),
        ("chat", b'{"text": "a"}\n', "split 'all', line 1: no column 'input'. Found: text"),
    ],
)
def test_an_unreadable_source_names_the_place(name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        READERS[name]({"all": content}, Counter())


def test_boolq_is_split_by_its_development_set() -> None:
    combined = [{"question": q, "passage": "p", "label": True} for q in ("a", "b")]
    combined.append({"question": "c", "passage": "p"})
    members = {"combined": jsonl(combined), "dev": jsonl([{"question": "b"}])}
    dropped: Counter[str] = Counter()
    splits = READERS["boolq"](members, dropped)
    assert {name: [r["question"] for r in rows] for name, rows in splits.items()} == {
        "train": ["a"],
        "validation": ["b"],
    }
    assert dropped == {"no label": 1}


def test_lettered_choices() -> None:
    rows, dropped = read(
        "lettered_choices",
        [
            {"question": "q", "options": "\nA. one\nB. two ", "answer": "B. two"},
            {"question": "starts late", "options": "C. one\nD. two", "answer": "D. two"},
            {"question": "no such answer", "options": "A. one\nB. two", "answer": "C. three"},
        ],
    )
    assert [(row["choices"], row["choice"]) for row in rows] == [(["one", "two"], 1)]
    assert sum(dropped.values()) == 2


def test_an_answer_is_located_as_whole_words_and_as_spelt_in_the_passage() -> None:
    passage = "The majority is major . A Major part ."
    rows, dropped = read(
        "disfl_qa",
        [
            {"question": "q", "passage": passage, "answer": "major"},
            {"question": "q", "passage": passage, "answer": "a major"},
            {"question": "q", "passage": passage, "answer": "unknown"},
            {"question": "q", "passage": passage, "answer": "minor"},
        ],
    )
    assert [passage[row["start"] : row["end"]] for row in rows] == ["major", "A Major"]
    assert [row["start"] for row in rows] == [16, 24]
    assert [row["answers"] for row in rows] == [["major"], ["A Major"]]
    assert dropped == {
        "no answer in the passage (marked unknown)": 1,
        "answer is not in the passage word for word": 1,
    }


def test_quartz_options_and_families() -> None:
    rows, dropped = read(
        "quartz",
        [
            chat("More resistors in the long circuit mean it\n\n A: grows\n B: shrinks", "A"),
            chat("Fewer resistors in the long circuit mean it\n\n A: grows\n B: shrinks", "B"),
            chat("Light moves\n\n A: faster\n B: slower", "B"),
            chat("No options", "A"),
        ],
    )
    assert [row["question"] for row in rows][2] == "Light moves"
    assert [row["choices"] for row in rows][2] == ["faster", "slower"]
    assert [row["choice"] for row in rows] == [0, 1, 1]
    assert rows[0]["family"] == rows[1]["family"] != rows[2]["family"]
    assert sum(dropped.values()) == 1


def test_entities_are_aligned_from_left_to_right() -> None:
    rows, dropped = read(
        "finance_ner",
        [
            chat(
                "Bank of Ohio lends to Bank of Ohio in Ohio .",
                "[Bank of Ohio - ORGANIZATION, Bank of Ohio - ORGANIZATION, Ohio - LOCATION]",
            ),
            chat("Nothing .", "No entities found"),
            chat("Bank .", "[Borrower - PERSON]"),
        ],
    )
    bank = ["B-ORG", "I-ORG", "I-ORG"]
    assert rows[0]["tags"] == [*bank, "O", "O", *bank, "O", "B-LOC", "O"]
    assert rows[1]["tags"] == ["O", "O"]
    assert dropped == {"an entity is not in the sentence word for word": 1}
