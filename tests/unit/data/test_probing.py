"""Probing tasks: what is changed in a sentence, and how labels balance."""

from __future__ import annotations

from collections import Counter

import pytest

from interlude.data.read.probing import LENGTHS
from interlude.data.read.readers import Rows
from interlude.data.read.rows import reader_of
from interlude.data.read.sentences import sentences

from .conftest import jsonl

NOUNS = ["cat", "river", "king", "stone", "train", "garden", "letter", "song", "wall", "lamp"]


def passage(number: int) -> str:
    """A passage of many plain sentences of all lengths, two of them compound."""
    tail = ["and", "then", "more", "of", "the", "same", "old", "water", "came", "down"]
    of_all_lengths = [
        " ".join(["The", noun, str(number), "was", "seen", *(tail * 3)[:extra]]) + "."
        for noun, extra in zip(NOUNS, (0, 2, 4, 6, 9, 12, 15, 18, 20, 23), strict=True)
    ]
    compound = [
        f"The old {noun} number {number} was sold, but it is still in use today."
        for noun in NOUNS[:2]
    ]
    return f"Title {number} -- " + " ".join(of_all_lengths + compound)


CONTENT = jsonl([{"passage": passage(number // 2)} for number in range(60)])


def made(name: str, **options: object) -> Rows:
    return reader_of(f"probe_{name}")({"all": CONTENT}, Counter(), **options)["all"]


def test_sentences_are_plain_and_whole() -> None:
    text = (
        'Dr. J. Smith (born 1950) is 3.5 m tall. He said "no". He paid 2 euros. It is in the U.S. '
        "NATO EU USA UN. No end"
    )
    assert list(sentences(text)) == ["He paid 2 euros."]


def test_parentheses_are_taken_out() -> None:
    assert list(sentences("The cat (a small one) sat there.")) == ["The cat sat there."]


@pytest.mark.parametrize("name", ["bigram_shift", "sentence_length", "coordination_inversion"])
def test_labels_balance_and_no_sentence_repeats(name: str) -> None:
    rows = made(name, rows=60)
    counts = Counter(row["label"] for row in rows)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({row["text"] for row in rows}) == len(rows) == sum(counts.values())
    assert {row["article"] for row in rows} <= {f"Title {number}" for number in range(30)}
    assert rows == made(name, rows=60)


def test_a_shifted_sentence_has_two_neighbours_swapped() -> None:
    originals = {s for number in range(30) for s in sentences(passage(number).partition("-- ")[2])}
    for row in made("bigram_shift", rows=40):
        words = row["text"].split()
        swaps = {
            " ".join([*words[:i], words[i + 1], words[i], *words[i + 2 :]])
            for i in range(len(words) - 1)
        }
        assert (row["text"] in originals) == (row["label"] == "original")
        assert swaps & originals or row["label"] == "original"


def test_sentence_length_counts_words() -> None:
    for row in made("sentence_length", rows=60):
        low, high = map(int, row["label"].split("-"))
        assert (low, high) in LENGTHS
        assert low <= len(row["text"].split()) <= high


def test_word_content_has_exactly_one_of_the_words() -> None:
    words = ["cat", "king", "river"]
    rows = made("word_content", words=words, rows=30)
    assert Counter(row["label"] for row in rows) == dict.fromkeys(words, 10)
    for row in rows:
        assert [word for word in words if word in row["text"].lower().split()] == [row["label"]]


def test_an_inverted_sentence_has_its_clauses_swapped() -> None:
    inverted = [r["text"] for r in made("coordination_inversion") if r["label"] == "inverted"]
    assert inverted
    for text in inverted:
        assert text.startswith("It is still in use today, but the old ")
        assert text.endswith("was sold.")
