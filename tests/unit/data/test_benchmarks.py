"""Readers of published tasks, on rows made by hand."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.data.read import benchmarks, edges
from interlude.data.read.readers import READERS
from interlude.errors import InputError

from .conftest import jsonl

Rows = list[dict[str, Any]]


def read(name: str, rows: Rows, **options: Any) -> tuple[Rows, dict[str, int]]:
    """Return the rows that a reader makes of those of a split `all`, and what it dropped."""
    dropped: Counter[str] = Counter()
    splits = READERS[name]({"all": jsonl(rows)}, dropped, **options)
    return splits["all"], dict(dropped)


def marked(rows: Rows) -> list[tuple[Any, ...]]:
    """Return the words under the spans of each target, and its labels."""
    keys = [[key for key in ("span1", "span2") if key in row] for row in rows]
    return [
        (*(row["text"][slice(*row[key])] for key in of_row), row["labels"])
        for row, of_row in zip(rows, keys, strict=True)
    ]


def test_every_reader_has_a_module() -> None:
    assert READERS["copa"] is benchmarks.copa
    assert READERS["edge_probing"] is edges.edge_probing


def test_copa_asks_for_cause_or_effect() -> None:
    rows, _ = read("copa", [{"question": "cause"}, {"question": "effect"}])
    assert [row["prompt"] for row in rows] == [
        "What was the cause of this?",
        "What happened as a result?",
    ]


def test_record_has_a_row_for_each_entity() -> None:
    row = {
        "passage": "Ann met Bob.\n@highlight\nThey talked.",
        "query": "@placeholder left.",
        "entities": ["Ann", "Bob", "Ann"],
        "answers": ["Bob"],
    }
    rows, _ = read("record", [row])
    assert [(r["filled"], r["answer"], r["label"]) for r in rows] == [
        ("Ann left.", "Ann", "False"),
        ("Bob left.", "Bob", "True"),
    ]
    assert {r["passage"] for r in rows} == {"Ann met Bob. They talked."}
    assert rows[0]["group"] == rows[1]["group"]


def test_wsc_spans_are_found_by_word_number_whatever_case_and_white_space() -> None:
    text = "Then The  lawyer called, but he did not answer."
    right = {"text": text, "span1_index": 1, "span1_text": "the lawyer",
             "span2_index": 5, "span2_text": "he"}  # fmt: skip
    rows, dropped = read("wsc", [right, right | {"span2_index": 4}, right | {"span2_index": 99}])
    assert text[slice(*rows[0]["span1"])] == "The  lawyer"
    assert text[slice(*rows[0]["span2"])] == "he"
    assert len(rows) == 1
    assert dropped == {"the span is not at its place in the text": 2}


def test_qa_srl_has_a_row_for_each_answer() -> None:
    row = {"sentence": "Rain fell on the hills .", "question": "Where did something fall?",
           "answer_ranges": [[2, 5], [0, 1]]}  # fmt: skip
    rows, _ = read("qa_srl", [row])
    assert [(r["start"], r["end"], r["answers"]) for r in rows] == [
        (10, 22, ["on the hills"]),
        (0, 4, ["Rain"]),
    ]


def test_a_question_in_slots_is_put_together() -> None:
    slots = ["where", "did", "something", "fall", "_", "_", "_"]
    row = {"sentence": "Rain fell .", "question": slots, "answer_ranges": [[0, 1]]}
    rows, _ = read("qa_srl", [row])
    assert rows[0]["question"] == "Where did something fall?"


def test_senteval_lines_go_to_their_split() -> None:
    content = b"tr\tO\tA b .\nva\tI\tB a .\r\nte\tO\tC .\n"
    splits = READERS["senteval"]({"all": content}, Counter())
    assert splits["train"] == [{"label": "O", "sentence": "A b ."}]
    assert splits["validation"] == [{"label": "I", "sentence": "B a ."}]
    assert len(splits["test"]) == 1


@pytest.mark.parametrize("line", [b"tr\tO", b"xx\tO\tA .", b"one two"])
def test_a_malformed_senteval_line_is_named(line: bytes) -> None:
    with pytest.raises(InputError, match="split 'all', line 2: found"):
        READERS["senteval"]({"all": b"tr\tO\tA .\n" + line}, Counter())


def test_folds_give_the_splits() -> None:
    rows = [{"n": i, "fold1": "dev", "fold2": fold} for i, fold in enumerate(("train", "test"))]
    splits = READERS["folds"]({"all": jsonl(rows)}, Counter(), column="fold2")
    assert [row["n"] for row in splits["train"]] == [0]
    assert [row["n"] for row in splits["test"]] == [1]
    with pytest.raises(InputError, match="unknown fold1 'x'"):
        READERS["folds"]({"all": jsonl([{"fold1": "x"}])}, Counter())


TARGETS = [
    {"span1": [0, 2], "span2": [3, 4], "label": "agent"},
    {"span1": [2, 3], "span2": None, "label": ["a", "b"]},
]


def test_edge_probing_targets_are_in_characters_of_the_joined_tokens() -> None:
    rows, _ = read("edge_probing", [{"text": "Old  Anna saw  Bob .", "targets": TARGETS}])
    assert marked(rows) == [("Old Anna", "Bob", ["agent"]), ("saw", ["a", "b"])]
    assert {row["group"] for row in rows} == {"all-0"}


def test_edge_probing_reads_parquet_and_tokens_with_accents_and_emoji() -> None:
    row = {"tokens": ["Élan", "🙂🙂", "naïve", "."], "targets": TARGETS[:1]}
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), buffer)
    splits = READERS["edge_probing"]({"all": buffer.getvalue()}, Counter())
    assert marked(splits["all"]) == [("Élan 🙂🙂", ".", ["agent"])]


def test_a_sentence_with_a_span_outside_is_dropped() -> None:
    outside = [{"span1": [3, 5], "label": "x"}]
    rows, dropped = read("edge_probing", [{"text": "a b c d", "targets": outside}])
    assert rows == []
    assert dropped == {"a span is not inside its sentence": 1}


TREE = {"tokens": ["Dogs", "bark", "!"], "head": ["2", "0", "2"], "xpos": ["NNS", "VBP", "."],
        "deprel": ["nsubj", "root", "punct"]}  # fmt: skip


def test_a_treebank_gives_words_and_arcs() -> None:
    words, _ = read("labelled_words", [TREE], column="xpos")
    assert marked(words) == [("Dogs", ["NNS"]), ("bark", ["VBP"]), ("!", ["."])]
    arcs, dropped = read("dependencies", [TREE, TREE | {"head": ["2", "0", "None"]}])
    assert marked(arcs) == [
        ("Dogs", "bark", ["nsubj"]),
        ("bark", "bark", ["root"]),
        ("!", "bark", ["punct"]),
    ]
    assert dropped == {"a word has no head": 1}


def test_marks_of_a_relation_are_taken_out() -> None:
    row = {"sentence": "The <e2>cup</e2> holds hot <e1>green tea</e1>.", "relation": 4}
    rows, dropped = read("marked_relation", [row, {"sentence": "No marks.", "relation": 1}])
    assert rows[0]["text"] == "The cup holds hot green tea."
    assert marked(rows) == [("green tea", "cup", [4])]
    assert dropped == {"a span is not marked": 1}


def test_pronoun_and_candidates() -> None:
    row = {"sentence": "The bee landed on the flower because it had pollen.", "pronoun": "it",
           "candidates": ["the bee", "the flower"], "label": 1}  # fmt: skip
    twice = row | {"sentence": "The bee saw it and the flower saw it."}
    rows, dropped = read("pronoun_candidates", [row, twice])
    assert marked(rows) == [("it", "The bee", ["no"]), ("it", "the flower", ["yes"])]
    assert rows[0]["twins"] == "the bee the flower"
    assert sum(dropped.values()) == 1


def test_coreference_pairs_the_mentions_of_a_window() -> None:
    tokens = ["Ann", "came", ".", "She", "sat", ".", "Bob", "stood", ".", "He", "left", "."]
    row = {"doc_id": "d", "tokens": tokens, "sentence_index": [i // 3 for i in range(12)],
           "clusters": [[[0, 1], [3, 4]], [[6, 7], [9, 10]]]}  # fmt: skip
    rows, _ = read("coreference", [row])
    assert marked(rows) == [
        ("Ann", "She", ["yes"]),
        ("Ann", "Bob", ["no"]),
        ("She", "Bob", ["no"]),
    ]
    assert rows[0]["text"] == "Ann came . She sat . Bob stood ."
    assert {row["group"] for row in rows} == {"d-0"}
