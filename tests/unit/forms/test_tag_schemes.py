"""Entity tags of every scheme are written as BIO with the same entities, or refused."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import tiny

from interlude.data.fetch.places import Places
from interlude.data.made_from import declared_of_task
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.forms.tagging.schemes import as_bio, read_tags
from interlude.forms.values import RowError
from interlude.metrics.entity_f1 import entities, entity_f1
from interlude.plan.tasks import load_task

Entity = tuple[str, int, int]  # type, first word, the word behind its last
TYPES = ("PER", "LOC", "first-name")
MARKS = {  # first, inside, last, only word of an entity
    "IOB2": "BIIB",
    "BIOES": "BIES",
    "BILOU": "BILU",
    "BMES": "BMES",
    "BMEWO": "BMEW",
    "IOE2": "IIEE",
}


def sentence(draw: random.Random, apart: bool = False) -> tuple[int, list[Entity]]:
    """Return a number of words, and some entities; apart: with a word between them."""
    found: list[Entity] = []
    place = 0
    for _ in range(draw.randint(0, 4)):
        start = place + draw.randint(int(apart), 2)
        place = start + draw.randint(1, 4)
        found.append((draw.choice(TYPES), start, place))
    return place + draw.randint(1, 2), found


def tagged(
    length: int, found: Sequence[Entity], marks: str, write: str = "{mark}-{kind}"
) -> list[str]:
    """Return the tags of a sentence in a scheme, and in a manner of writing."""
    tags = ["O"] * length
    for kind, start, end in found:
        places = [1] * (end - start)
        places[0], places[-1] = 0, 2
        if end - start == 1:
            places = [3]
        tags[start:end] = [write.format(mark=marks[place], kind=kind) for place in places]
    return tags


def in_bio(sentences: Sequence[Sequence[str]]) -> list[list[str]]:
    parts = read_tags(sorted({tag for tags in sentences for tag in tags}))
    return [as_bio(parts[tag] for tag in tags) for tags in sentences]


@pytest.mark.parametrize(
    "write", ["{mark}-{kind}", "{kind}-{mark}", "{mark}_{kind}", "{mark}:{kind}"]
)
@pytest.mark.parametrize("scheme", MARKS)
def test_the_entities_of_every_scheme_stay(scheme: str, write: str) -> None:
    draw = random.Random(7)
    sentences = [sentence(draw) for _ in range(200)]
    written = in_bio([tagged(*each, MARKS[scheme], write) for each in sentences])
    assert written == [tagged(*each, MARKS["IOB2"]) for each in sentences]
    assert [entities(tags) for tags in written] == [found for _, found in sentences]
    assert entity_f1(written, written)["entity_f1"] == 1


def test_iob1_marks_the_beginning_only_behind_an_entity_of_the_type() -> None:
    tags = ["I-PER", "B-PER", "I-PER", "I-LOC", "O", "I-LOC"]
    assert in_bio([tags]) == [["B-PER", "B-PER", "I-PER", "B-LOC", "O", "B-LOC"]]


def test_without_marks_words_of_a_type_that_follow_each_other_are_an_entity() -> None:
    draw = random.Random(8)
    sentences = [sentence(draw, apart=True) for _ in range(200)]
    written = in_bio([tagged(*each, "IIII", "{kind}") for each in sentences])
    assert written == [tagged(*each, MARKS["IOB2"]) for each in sentences]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("B I O", "B I O"),
        ("B I E S O", "B I I B O"),
        ("b-per i-per o", "B-per I-per O"),
        ("S-PER O", "B-PER O"),  # all of them of one word
        ("U-PER O U-PER", "B-PER O B-PER"),
        ("B-S I-S B-E I-E O", "B-S I-S B-E I-E O"),  # types that look like marks
        ("S-B S-I O E-B", "B-S I-S O B-E"),
        ("O O", "O O"),
        ("B-PER B-PER", "B-PER B-PER"),
        ("I-PER O I-PER I-PER", "B-PER O B-PER I-PER"),
        ("B-PER E-PER S-PER B-PER", "B-PER I-PER B-PER B-PER"),  # the last one is cut off
        ("PER O B", "B-PER O B-B"),
        ("P L O L", "B-P B-L O B-L"),
    ],
)
def test_what_tags_say(tags: str, wanted: str) -> None:
    assert in_bio([tags.split()]) == [wanted.split()]


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ("0 1 2 3", "found 0, 1, 2, 3, .* Say in labels which tags the numbers stand for"),
        ("NN VB DT", "found NN, VB, DT, of which .*tag_accuracy"),
        ("O B-PER LOC", "found B-PER with a mark and LOC without"),
        ("O B-PER I_PER", "cannot tell"),
        ("OUT B-PER I-PER", "found B-PER, I-PER with a mark and OUT without"),
        ("O o B-PER", "found B-PER with a mark and o without"),
        ("O E-PER", "found O, E-PER"),
        ("O E-PER S-PER", "cannot tell"),
        ("O B-PER E-PER L-PER", "cannot tell"),
        ("O BPER IPER", "found O, BPER, IPER"),
        ("O PER_begin PER_inside", "cannot tell"),
        ("O begin-PER in-PER", "cannot tell"),
        (
            "B-PER|B-X I-PER X",
            "found B-PER|B-X, I-PER with a mark and X without".replace("|", r"\|"),
        ),
    ],
)
def test_tags_of_which_nobody_can_tell_the_entities_are_refused(tags: str, message: str) -> None:
    with pytest.raises(RowError, match=message):
        read_tags(tags.split())


# Tasks


def prepared(
    folder: Path, *sentences: Sequence[Any], **changes: Any
) -> tuple[list[str], list[list[str]]]:
    """Return the labels of a task and the tags of its training rows, given those of its rows."""
    rows = [{"tokens": list("abcdefgh")[: len(tags)], "tags": list(tags)} for tags in sentences]
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    last = len(rows) - 1
    declared = tiny.task_file("tagging") | {
        "splits": {"train": f"all[:{last}]", "validation": f"all[{last}:]"},
        "source": {"files": {"all": str(data)}},
    }
    given = {key: value for key, value in (declared | {"labels": None} | changes).items() if value}
    task = load_task(tiny.write_yaml(folder / "tiny-tagging.yaml", given))
    manifest = prepare(task, Places(folder / "archives.yaml"), folder / "data")
    found = pq.read_table(folder / "data/train.parquet")["tags"].to_pylist()
    names = manifest["label_names"]
    return names, [[names[number] for number in numbers] for numbers in found]


BIOES = [["B-PER", "E-PER", "O", "S-LOC"], ["O", "S-PER"]]


def test_tags_of_another_scheme_are_written_as_bio(tmp_path: Path) -> None:
    names, tags = prepared(tmp_path, *BIOES)
    assert names == ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]
    assert tags == [["B-PER", "I-PER", "O", "B-LOC"]]


def test_declared_tags_keep_their_order(tmp_path: Path) -> None:
    labels = ["O", "S-LOC", "S-PER", "B-PER", "E-PER", "I-PER"]
    numbers = [[labels.index(tag) for tag in tags] for tags in BIOES]
    for sentences in (BIOES, numbers):
        names, tags = prepared(tmp_path, *sentences, labels=labels)
        assert names == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
        assert tags == [["B-PER", "I-PER", "O", "B-LOC"]]


@pytest.mark.parametrize("labels", [None, ["O", "I-PER", "B-PER", "B-LOC", "B-ORG"]])
def test_bio_stays_as_it_is(labels: list[str] | None, tmp_path: Path) -> None:
    sentences = [["B-PER", "I-PER", "O"], ["B-LOC", "B-PER"]]
    names, tags = prepared(tmp_path, *sentences, labels=labels)
    assert names == (labels or ["B-LOC", "B-PER", "I-PER", "O"])
    assert tags == sentences[:1]


def test_tags_that_are_scored_one_by_one_stay_as_they_are(tmp_path: Path) -> None:
    names, tags = prepared(tmp_path, *BIOES, metric="tag_accuracy")
    assert names == ["B-PER", "E-PER", "O", "S-LOC", "S-PER"]
    assert tags == BIOES[:1]


def test_tags_are_made_anew_for_another_metric(tmp_path: Path) -> None:
    declared = [
        declared_of_task(load_task(tiny.write_yaml(tmp_path / f"tiny-{form}.yaml", file)))
        for form, metrics in (("tagging", ["entity_f1", "tag_accuracy"]), ("single", ["accuracy"]))
        for file in [tiny.task_file(form) | {"metric": metric} for metric in metrics]
    ]
    assert len(set(declared)) == 3


def test_tags_without_a_scheme_are_named_with_the_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tiny-tagging\.yaml: key tags: found 0, 1, 2, .*labels"):
        prepared(tmp_path, [1, 2, 0], [0, 0])
    assert not (tmp_path / "data").exists()


def test_entity_f1_takes_no_tags_that_are_not_bio() -> None:
    with pytest.raises(ValueError, match="E-PER"):
        entity_f1([["B-PER", "O"]], [["B-PER", "E-PER"]])
