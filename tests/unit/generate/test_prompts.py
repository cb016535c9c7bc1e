"""Sentences of a corpus: which are taken, how they are cut, and which part has which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.errors import InputError
from interlude.generate.prompts import choose, read_corpus, sentences
from interlude.plan.declared import checked
from interlude.plan.generated import Corpus, Generated

LONG = " ".join(f"w{n}" for n in range(40))


def declared(**keys: Any) -> Generated:
    document = {"corpus": {"file": "corpus.txt"}, "generator": "tiny", **keys}
    return checked(Generated, document, "task.yaml", "source.generated")


def test_the_defaults_are_those_of_the_paper() -> None:
    (found,) = sentences(f"too short. {LONG}. {' '.join(['x'] * 19)}", declared())
    assert found.prompt == " ".join(f"w{n}" for n in range(15))
    assert found.ending == " ".join(f"w{n}" for n in range(15, 29))  # the last of 30 is left out


def test_a_share_is_rounded_down_as_it_is_written() -> None:
    lengths = {"least_words": 100, "most_words": 100, "words_left_out": 0}
    assert declared(prompt_share=0.29, **lengths).cut(100) == (29, 71)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"prompt_share": 0.01}, "a prompt of 0"),
        ({"prompt_share": 0.96}, "an ending of 0"),
        ({"least_words": 31}, "least_words 31, most_words 30"),
        ({"decoding": {"greedy": True}}, "fakes: 1 with greedy"),
    ],
)
def test_what_leaves_nothing_is_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        declared(**keys)


def test_no_text_is_in_both_parts() -> None:
    texts = [f"t{n} {LONG}. t{n} second {LONG}. short" for n in range(60)]
    parts = choose(texts, declared(train=70, validation=20), "corpus")
    of = {name: {each.prompt.split()[0] for each in part} for name, part in parts.items()}
    assert {name: len(part) for name, part in parts.items()} == {"train": 70, "validation": 20}
    assert not of["train"] & of["validation"]


def test_a_sentence_counts_once_also_over_the_parts() -> None:
    texts = [f"{LONG}. t{n} {LONG}" for n in range(30)]
    parts = choose(texts, declared(train=20, validation=5), "corpus")
    both = [each for part in parts.values() for each in part]
    assert len(set(both)) == len(both)


def test_more_to_train_on_leaves_the_validation_set() -> None:
    texts = [f"t{n} {LONG}" for n in range(60)]
    few, many = (choose(texts, declared(train=n, validation=10), "corpus") for n in (10, 40))
    assert few["validation"] == many["validation"]
    assert set(few["train"]) <= set(many["train"])


def test_too_few_sentences_are_counted() -> None:
    with pytest.raises(InputError, match="found 12 sentences of 20 words or more in 12 texts"):
        choose([f"t{n} {LONG}" for n in range(12)], declared(train=10, validation=3), "corpus")


def test_texts_of_a_task_count_once(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(
        pa.table({"id": ["a", "b", "c"], "text": ["x", "y", "x"], "label": [0, 1, 0]}), path
    )
    assert read_corpus(Corpus(task="some", column="text"), path, "key") == ["x", "y"]
    with pytest.raises(InputError, match=r"key\.column: found 'label'.* text"):
        read_corpus(Corpus(task="some", column="label"), path, "key")


def test_a_file_that_is_no_text_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(InputError, match=r"texts.txt, line 2: found the byte 0xff"):
        read_corpus(Corpus(file=str(path)), path, "key")
