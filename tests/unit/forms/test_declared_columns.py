"""Texts and spans in several columns or pieces, and lists written as text, as declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import tiny

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import load_task

Row = dict[str, Any]


def normalised(
    folder: Path, form: str, rows: list[Row], ending: str = "jsonl", **changes: Any
) -> list[Row]:
    """Return the normalised rows of a task over source rows, the last of them validation."""
    data = folder / f"rows.{ending}"
    if ending == "csv":
        pd.DataFrame(rows).to_csv(data, index=False)
    else:
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    last = len(rows) - 1
    declared = tiny.task_file(form) | {
        "splits": {"train": f"all[:{last}]", "validation": f"all[{last}:]"},
        "source": {"files": {"all": str(data)}},
    }
    given = {key: value for key, value in (declared | changes).items() if value is not None}
    task = load_task(tiny.write_yaml(folder / f"tiny-{form}.yaml", given))
    prepare(task, Places(folder / "archives.yaml"), folder / "data")
    parts = [pq.read_table(folder / f"data/{part}.parquet") for part in ("train", "validation")]
    found = [row for part in parts for row in part.to_pylist()]
    return [{name: value for name, value in row.items() if name != "id"} for row in found]


# Regression on one text


def test_a_number_may_be_of_one_text(tmp_path: Path) -> None:
    rows = [{"review": "good", "stars": "4.5"}, {"review": "bad", "stars": "1"}]
    columns = {"text_a": "review", "value": "stars"}
    assert normalised(tmp_path, "regression", rows, "csv", columns=columns) == [
        {"text_a": "good", "text_b": None, "value": 4.5},
        {"text_a": "bad", "text_b": None, "value": 1.0},
    ]


# Texts in pieces


TURNS = {
    "turns": ["Hi.", "Who are you?"],
    "said": [{"by": "A", "text": "Hi."}, {"by": "B", "text": "Who are you?"}],
    "label": "bad",
}


@pytest.mark.parametrize(
    ("join", "between", "wanted", "ending"),
    [
        ("turns", " ", "Hi. Who are you?", "jsonl"),
        ("turns", " ", "Hi. Who are you?", "csv"),
        ("said.text", "\n", "Hi.\nWho are you?", "jsonl"),
        ("said.text", "\n", "Hi.\nWho are you?", "csv"),
        ("- {turns}", "\n", "- Hi.\n- Who are you?", "jsonl"),  # in CSV a text as it is
        ("{said.by}: {said.text}", " | ", "A: Hi. | B: Who are you?", "jsonl"),
        ("{said.by}: {said.text}", " | ", "A: Hi. | B: Who are you?", "csv"),
    ],
)
def test_a_list_of_turns_is_joined_as_declared(
    join: str, between: str, wanted: str, ending: str, tmp_path: Path
) -> None:
    columns = {"text": {"join": join, "between": between}, "label": "label"}
    rows = [TURNS, TURNS | {"label": "good"}]
    found = normalised(tmp_path, "single", rows, ending, columns=columns)
    assert [row["text"] for row in found] == [wanted] * 2


def test_a_list_where_a_text_belongs_is_named_with_how_to_join_it(tmp_path: Path) -> None:
    columns = {"text": "turns", "label": "label"}
    with pytest.raises(InputError, match=r"line \d: key text: found \['Hi.*join: its column"):
        normalised(tmp_path, "single", [TURNS] * 2, columns=columns)
    joined = {"text": {"join": "turns", "between": " "}, "label": "label"}
    for turns in ("Hi.", [], ["Hi.", 3], [["Hi."]]):
        with pytest.raises(InputError, match=r"line \d: key text"):
            normalised(tmp_path, "single", [TURNS | {"turns": turns}] * 2, columns=joined)


LONG = "word " * 5_000


@pytest.mark.parametrize(
    ("form", "row"),
    [
        ("single", {"text": [LONG], "label": "bad"}),
        ("single", {"text": {"said": LONG}, "label": "bad"}),
        ("single", {"text": "a", "label": LONG}),
        ("tagging", {"tokens": {"said": LONG}, "tags": ["O"]}),
        ("regression", {"text_a": "a", "text_b": "b", "value": LONG}),
        ("span-pair", {"text": "a", "span1": LONG, "span2": [0, 1], "label": "same"}),
        ("span-pair", {"text": LONG, "span1": {"start": 0, "text": LONG + "x"}, "span2": [0, 1]}),
    ],
)
def test_a_long_value_is_named_in_short(form: str, row: Row, tmp_path: Path) -> None:
    given = dict.fromkeys(tiny.task_file(form)["columns"], "a") | {"label": "same"} | row
    columns = {name: name for name in tiny.task_file(form)["columns"]}
    with pytest.raises(InputError, match="line 1: key ") as error:
        normalised(tmp_path, form, [given, given], columns=columns)
    assert len(str(error.value)) < 600


# Lists written as text

TOKENS, TAGS = ["Anna", "don't", "[", "2,5"], ["B-PER", "O", "O", "O"]


def as_printed(values: list[Any]) -> list[str]:
    return [
        str(values),
        json.dumps(values),
        str(np.array(values, object)),
        repr(np.array(values, object)),
    ]


@pytest.mark.parametrize("place", range(4))
def test_words_and_tags_as_python_json_and_numpy_print_them(place: int, tmp_path: Path) -> None:
    rows = [{"tokens": as_printed(TOKENS)[place], "tags": as_printed(TAGS)[place]}] * 2
    found = normalised(tmp_path, "tagging", rows, "csv")
    assert found == [{"tokens": TOKENS, "tags": [1, 0, 0, 0]}] * 2


def test_tags_as_numbers_in_a_printed_list(tmp_path: Path) -> None:
    for tags in ("[1 0]", "[1, 0]", "[1. 0.]"):
        rows = [{"tokens": "['Anna' 'ran']", "tags": tags}] * 2
        assert normalised(tmp_path, "tagging", rows, "csv")[0]["tags"] == [1, 0]


def test_words_between_blanks_stay_words_between_blanks(tmp_path: Path) -> None:
    rows = [{"tokens": "[ Anna ] [1]", "tags": "O B-PER O O"}] * 2
    found = normalised(tmp_path, "tagging", rows, "csv")
    assert found[0]["tokens"] == ["[", "Anna", "]", "[1]"]


@pytest.mark.parametrize(
    ("tokens", "tags", "key"),
    [
        ("['Anna' 'ran', 'home']", "O O O", "tokens"),
        ("['Anna', nan]", "['O', 'O']", "tokens"),
        ("['Anna' ... 'home']", "['O' ... 'O']", "tokens"),
        ("Anna ran", "[O, O]", "tags"),
    ],
)
def test_what_looks_like_a_list_and_is_none_is_named(
    tokens: str, tags: str, key: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=rf"line \d: key {key}: found .*Allowed: a list"):
        normalised(tmp_path, "tagging", [{"tokens": tokens, "tags": tags}] * 2, "csv")


CHOICE = {"text": "q", "choices": "options", "label": "gold"}


@pytest.mark.parametrize(
    "options", ["['x', 'y, z']", '["x", "y, z"]', "['x' 'y, z']", ["x", "y, z"]]
)
def test_options_in_a_printed_list(options: Any, tmp_path: Path) -> None:
    ending = "csv" if isinstance(options, str) else "jsonl"
    rows = [{"q": "Q?", "options": options, "gold": gold} for gold in (1, 0)]
    found = normalised(tmp_path, "choice", rows, ending, columns=CHOICE)
    assert [(row["choices"], row["label"]) for row in found] == [
        (["x", "y, z"], 1),
        (["x", "y, z"], 0),
    ]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_part_of_options_that_are_mappings(ending: str, tmp_path: Path) -> None:
    options = [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]
    rows = [{"q": "Q?", "options": options, "gold": gold} for gold in "BA"]
    changes: Row = {"labels": ["A", "B"], "columns": CHOICE | {"choices": "options.text"}}
    found = normalised(tmp_path, "choice", rows, ending, **changes)
    assert [(row["choices"], row["label"]) for row in found] == [(["x", "y"], 1), (["x", "y"], 0)]
    message = r"key choices.*found \{.*options\.text"
    with pytest.raises(InputError, match=message):
        normalised(tmp_path, "choice", rows, ending, labels=["A", "B"], columns=CHOICE)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_options_by_their_letters(ending: str, tmp_path: Path) -> None:
    rows = [
        {"q": "Q?", "options": {"A": "x", "B": "y"}, "gold": "B"},
        {"q": "Q?", "options": {"B": "y", "A": "x"}, "gold": "B"},
    ]
    found = normalised(tmp_path, "choice", rows, ending, labels=["A", "B"], columns=CHOICE)
    assert [(row["choices"], row["label"]) for row in found] == [(["x", "y"], 1)] * 2
    with pytest.raises(InputError, match=r"line \d: key choices: .*labels"):
        normalised(tmp_path, "choice", rows, ending, columns=CHOICE)
    with pytest.raises(InputError, match=r"line \d: key choices: .*A, C"):
        normalised(tmp_path, "choice", rows, ending, labels=["A", "C"], columns=CHOICE)


PASSAGE = "Anna moved to Oslo."
SPAN = {"question": "q", "passage": "c", "start": "s", "answers": "a"}


@pytest.mark.parametrize(
    "answers", ["Oslo", "['Oslo', 'oslo']", '["Oslo"]', "array(['Oslo'], dtype=object)", ["Oslo"]]
)
def test_one_answer_is_an_answer(answers: Any, tmp_path: Path) -> None:
    ending = "csv" if isinstance(answers, str) else "jsonl"
    rows = [{"q": "Where?", "c": PASSAGE, "a": answers, "s": 14}] * 2
    (found, _) = normalised(tmp_path, "span", rows, ending, columns=SPAN)
    assert (found["start"], found["end"], found["answers"][0]) == (14, 18, "Oslo")


def test_an_answer_in_brackets_is_that_answer_where_the_passage_has_it(tmp_path: Path) -> None:
    rows = [{"q": "?", "c": "It is [1, 2] here", "a": "[1, 2]", "s": 6}] * 2
    assert normalised(tmp_path, "span", rows, "csv", columns=SPAN)[0]["answers"] == ["[1, 2]"]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_answers_that_are_mappings(ending: str, tmp_path: Path) -> None:
    of_list = {"start": "a.0.answer_start", "answers": "a.text"}
    of_mapping = {"start": "a.answer_start.0", "answers": "a.text"}
    listed = [{"text": "Oslo", "answer_start": 14}, {"text": "to Oslo", "answer_start": 11}]
    mapping = {"text": ["Oslo", "to Oslo"], "answer_start": [14, 11]}
    for answers, columns in ((listed, of_list), (mapping, of_mapping)):
        rows = [{"q": "Where?", "c": PASSAGE, "a": answers}] * 2
        (found, _) = normalised(tmp_path, "span", rows, ending, columns=SPAN | columns)
        assert (found["start"], found["answers"]) == (14, ["Oslo", "to Oslo"])


SPANS = {"text": "t", "span1": "s", "labels": "l"}


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize(
    ("row", "span"),
    [
        ({"s": [5, 8]}, "s"),
        ({"s": {"start": 5, "end": 8}}, "s"),
        ({"s": {"start": 5, "text": "ran"}}, "s"),
        ({"from": 5, "to": 8}, {"start": "from", "end": "to"}),
        ({"from": 5, "word": "ran"}, {"start": "from", "text": "word"}),
        ({"at": [5, 8]}, {"start": "at.0", "end": "at.1"}),
    ],
)
def test_a_span_is_two_ends_or_offset_and_mention(
    row: Row, span: Any, ending: str, tmp_path: Path
) -> None:
    rows = [{"t": "anna ran", **row, "l": label} for label in ("thing", ["thing", "small"])]
    found = normalised(tmp_path, "spans", rows, ending, columns=SPANS | {"span1": span})
    assert [(each["span1_start"], each["span1_end"]) for each in found] == [(5, 8)] * 2
    assert [each["labels"] for each in found] == [[0], [0, 2]]


def test_a_mention_that_is_not_at_its_offset_is_named(tmp_path: Path) -> None:
    rows = [{"t": "anna ran", "at": 4, "word": "ran", "l": "thing"}] * 2
    columns = SPANS | {"span1": {"start": "at", "text": "word"}}
    message = r"line \d: key span1: found 'ran' at 4, where the text has ' ra'"
    with pytest.raises(InputError, match=message):
        normalised(tmp_path, "spans", rows, columns=columns)


@pytest.mark.parametrize("labels", ["['song', 'bad']", '["song", "bad"]', "['song' 'bad']"])
def test_several_labels_in_a_printed_list(labels: str, tmp_path: Path) -> None:
    rows = [
        {"text": "t", "labels": labels},
        {"text": "t", "labels": "[]"},
        {"text": "t", "labels": "bad"},
    ]
    found = normalised(tmp_path, "multi-label", rows, "csv")
    assert [row["labels"] for row in found] == [[0, 2], [], [0]]
