"""A missing value is missing: its row is named, or left out by rule and counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare, summary
from interlude.errors import InputError
from interlude.plan.tasks import Task

SINGLE = {"text": "text", "label": "label"}
PLAIN = {"text": "t", "label": "no"}
OPTION = {"text_a": "a", "text_b": "b", "label": "label", "question_id": "{doc}-{at}"}
CHOICE = {"text": "q", "choices": ["a", "so {b}"], "label": "label"}
SPANS = {"text": "t", "span1": "at", "labels": "label", "group": "doc"}
TAGGING = {"tokens": "words", "tags": "tags"}

# form, columns, a row, what is taken away in it, what the message says
FAULTS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ("single", SINGLE, PLAIN, {"label": None}, "key label: found nothing in column 'label'"),
    ("single", SINGLE, PLAIN, {"label": math.nan}, "key label: found nothing"),
    ("single", SINGLE, PLAIN, {"label": ""}, "key label: found nothing"),
    ("single", SINGLE, PLAIN, {"text": None}, "key text: found nothing"),
    ("single", {"text": "{a} ({year})", "label": "label"}, {"a": "t", "year": 2001, "label": "no"},
     {"year": None}, "key text: found nothing in column 'year'"),
    ("answer-option", OPTION, {"a": "x", "b": "y", "label": "no", "doc": "d", "at": 1},
     {"doc": ""}, "key question_id: found nothing in column 'doc'"),
    ("choice", CHOICE, {"q": "q", "a": "x", "b": "y", "label": 0}, {"b": None},
     "key choices: found nothing in column 'b'"),
    ("choice", CHOICE, {"q": "q", "a": "x", "b": "y", "label": 0}, {"a": ""},
     "key choices: found nothing in column 'a'"),
    ("choice", {**CHOICE, "choices": "o"}, {"q": "q", "o": ["x", "y"], "label": 0},
     {"o": ["x", None]}, "key choices: found nothing in item 2"),
    ("choice", {**CHOICE, "choices": "A: {o}"}, {"q": "q", "o": ["x", "y"], "label": 0},
     {"o": ["", "x"]}, "key choices: found nothing in item 1 of column 'o'"),
    ("spans", SPANS, {"t": "a b", "at": [0, 1], "label": "no", "doc": "d"}, {"doc": None},
     "key group: found nothing"),
    ("spans", SPANS, {"t": "a b", "at": [0, 1], "label": "no", "doc": "d"}, {"label": ["no", None]},
     "key labels: found nothing"),
    ("tagging", TAGGING, {"words": ["a", "b"], "tags": ["no", "no"]}, {"tags": ["no", None]},
     "key tags: found nothing in item 2"),
    ("tagging", TAGGING, {"words": ["a", "b"], "tags": ["no", "no"]}, {"words": ["a", None]},
     "key tokens: found nothing in item 2"),
    ("regression", {"text_a": "a", "text_b": "b", "value": "v"}, {"a": "x", "b": "y", "v": 1},
     {"v": ""}, "key value: found nothing"),
]  # fmt: skip


def made(task: Task, tmp_path: Path) -> dict[str, Any]:
    return prepare(task, Places(tmp_path / "archives.yaml"), tmp_path / "out")


@pytest.mark.parametrize(("form", "columns", "row", "lack", "message"), FAULTS)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "found"])
def test_it_is_named_or_left_out_by_rule(
    form: str,
    columns: dict[str, Any],
    row: dict[str, Any],
    lack: dict[str, Any],
    message: str,
    declared: bool,
    task: Callable[..., Task],
    tmp_path: Path,
) -> None:
    other = {"label": "yes"} if row.get("label") == "no" else {}
    rows = [row, row | lack, row, row | other]
    stated: dict[str, Any] = {"form": form, "columns": columns}
    stated["labels"] = ["no", "yes"] if declared and form not in ("choice", "regression") else None
    if form == "tagging":
        stated["metric"] = "tag_accuracy"
    with pytest.raises(InputError, match=f"split 'all', line 2: {message}"):
        made(task(rows, **stated), tmp_path)
    manifest = made(task(rows, **stated, missing="drop"), tmp_path)
    key = message.partition(":")[0].removeprefix("key ")
    assert manifest["dropped"] == {f"nothing in {key}": 1}
    assert f"1 dropped (nothing in {key})" in summary(manifest)
    ids = pq.read_table(tmp_path / "out" / "train.parquet")["id"].to_pylist()
    assert ids == ["all-0"]


def test_a_key_that_some_objects_lack_is_missing(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": "t", "label": "no"}, {"text": "t"}, PLAIN, {"label": "yes"}, PLAIN]
    with pytest.raises(InputError, match=r"line 2: key columns.label: no column 'label'\."):
        made(task(rows), tmp_path)
    manifest = made(task(rows, missing="drop"), tmp_path)
    assert manifest["dropped"] == {"nothing in label": 1, "nothing in text": 1}


def test_a_column_that_no_row_has_is_named(task: Callable[..., Task], tmp_path: Path) -> None:
    columns = {"text": "txt", "label": "label"}
    message = (
        "no row is left in train.*line 1: key columns.text: no column 'txt'. Did you mean 'text'"
    )
    with pytest.raises(InputError, match=message):
        made(task([PLAIN] * 4, columns=columns, missing="drop"), tmp_path)


def test_words_for_nothing_are_texts(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": word, "label": word} for word in ("NA", "null", "nan", "None", "")[:4]] * 2
    made(task(rows, labels=None), tmp_path)
    written = pq.read_table(tmp_path / "out" / "train.parquet")["text"].to_pylist()
    assert written == ["NA", "null", "nan", "None"]


def test_an_empty_text_is_a_text(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": "", "label": "no"}, {"text": "b", "label": "yes"}]
    made(task(rows), tmp_path)
    assert pq.read_table(tmp_path / "out" / "train.parquet")["text"].to_pylist() == [""]


def test_what_stands_for_nothing_may_be_declared(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": f"t {at}", "label": at} for at in (0, 1, -1, 1, "?", -1.0, 0, 1)]
    stated: dict[str, Any] = {"labels": None, "missing_values": ["-1", "?"]}
    with pytest.raises(InputError, match="line 3: key label: found nothing"):
        made(task(rows, **stated), tmp_path)
    manifest = made(task(rows, **stated, missing="drop"), tmp_path)
    assert manifest["label_names"] == ["0", "1"]
    assert manifest["dropped"] == {"nothing in label": 3}


def test_a_label_of_dropped_rows_alone_is_none(task: Callable[..., Task], tmp_path: Path) -> None:
    labels = ("no", "yes", "odd", "no", "yes")
    rows = [{"text": None if label == "odd" else "t", "label": label} for label in labels]
    manifest = made(task(rows, labels=None, missing="drop"), tmp_path)
    assert manifest["label_names"] == ["no", "yes"]


def test_a_part_of_which_nothing_is_left_is_refused(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"text": "t", "label": label} for label in ("no", "yes", None, None)]
    message = "key missing: no row is left in validation; dropped were 2 with nothing in label"
    with pytest.raises(InputError, match=message):
        made(task(rows, missing="drop"), tmp_path)


def test_a_whole_number_in_a_template_is_written_without_a_point(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"year": year, "label": "no"} for year in (2001.0, 2001.5, 2001)]
    columns = {"text": "in {year}", "label": "label"}
    made(
        task(rows, columns=columns, splits={"train": "all[:2]", "validation": "all[2:]"}), tmp_path
    )
    written = pq.read_table(tmp_path / "out" / "train.parquet")["text"].to_pylist()
    assert written == ["in 2001", "in 2001.5"]
