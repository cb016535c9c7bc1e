"""A task's rows become normalised Parquet; a fault ends in one message and writes nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from interlude.data.fetch.archives import find_archive
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare, summary
from interlude.errors import InputError
from interlude.forms import declaration_of
from interlude.plan.tasks import Task, load_task

from .conftest import FILE, Rows, jsonl, wheel

ROOT = Path(__file__).parents[3]
SINGLE = [{"text": f"text {i}", "label": "yes" if i % 2 else "no"} for i in range(4)]

WIDE = [row | {f"c{number}": "" for number in range(100)} for row in SINGLE]

FORMS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # form: columns, one source row, the same row normalised
    "single": (
        {"text": "text", "label": "label"},
        {"text": "t", "label": "yes"},
        {"text": "t", "label": 1},
    ),
    "pair": (
        {"text_a": "a", "text_b": "Q: {b} {c}", "label": "label"},
        {"a": "x", "b": "{c}", "c": "z", "label": "no"},
        {"text_a": "x", "text_b": "Q: {c} z", "label": 0},
    ),
    "answer-option": (
        {"text_a": "p", "text_b": "{q} {a}", "label": "right", "question_id": "{i.p}-{i.q}"},
        {"p": "x", "q": "y", "a": "z", "right": 0, "i": {"p": 3, "q": 4}},
        {"text_a": "x", "text_b": "y z", "label": 0, "question_id": "3-4"},
    ),
    "candidate": (
        {"text_a": "p", "text_b": "q", "label": "right", "question_id": "i", "answer": "a",
         "answers": "all"},
        {"p": "x", "q": "y", "right": 0, "i": 3, "a": "Ann", "all": ["Bob"]},
        {"text_a": "x", "text_b": "y", "label": 0, "question_id": "3", "answer": "Ann",
         "answers": ["Bob"]},
    ),
    "choice": (
        {"text": "q", "choices": "A: {options}", "label": "label"},
        {"q": "x", "options": ["one", "two", "three"], "label": "yes"},
        {"text": "x", "choices": ["A: one", "A: two", "A: three"], "label": 1},
    ),
    "span": (
        {"question": "q", "passage": "p", "start": "at", "answers": "answers"},
        {"q": "x", "p": "in 1990 and 1991", "at": 3, "answers": ["1990", "in 1990"]},
        {"question": "x", "passage": "in 1990 and 1991", "start": 3, "end": 7,
         "answers": ["1990", "in 1990"]},
    ),
    "tagging": (
        {"tokens": "words", "tags": "tags"},
        {"words": "a b c", "tags": ["no", "yes", "no"]},
        {"tokens": ["a", "b", "c"], "tags": [0, 1, 0]},
    ),
    "spans": (
        {"text": "t", "span1": "one", "span2": "two", "labels": "is", "group": "of"},
        {"t": "a red door", "one": [2, 5], "two": [6, 10], "is": ["yes", "no"], "of": 7},
        {"text": "a red door", "span1_start": 2, "span1_end": 5, "span2_start": 6, "span2_end": 10,
         "labels": [1, 0], "group": "7"},
    ),
    "multi-label": (
        {"text": "t", "labels": "is"},
        {"t": "a red door", "is": ["yes", "no", "yes"]},
        {"text": "a red door", "labels": [0, 1]},
    ),
    "span-choice": (
        {"text": "t", "span": "of", "choices": "some", "label": "is"},
        {"t": "a red door", "of": [0, 1], "some": [[2, 5], [6, 10]], "is": "yes"},
        {"text": "a red door", "span_start": 0, "span_end": 1, "choice_starts": [2, 6],
         "choice_ends": [5, 10], "label": 1},
    ),
    "span-pair": (
        {"text": "t", "span1": "one", "span2": "two", "label": "is"},
        {"t": "a red door", "one": [2, 5], "two": [6, 10], "is": "yes"},
        {"text": "a red door", "span1_start": 2, "span1_end": 5, "span2_start": 6, "span2_end": 10,
         "label": 1},
    ),
    "regression": (
        {"text_a": "a", "text_b": "b", "value": "score"},
        {"a": "x", "b": "y", "score": "3.25"},
        {"text_a": "x", "text_b": "y", "value": 3.25},
    ),
    "word-in-context": (
        {"text_a": "s.0", "text_b": "s.1", "start_a": "at.0", "end_a": "at.1", "start_b": "at.2",
         "end_b": "at.3", "label": "same"},
        {"s": ["a bank", "the bank"], "at": [2, 6, 4, 8], "same": 1},
        {"text_a": "a bank", "text_b": "the bank", "start_a": 2, "end_a": 6, "start_b": 4,
         "end_b": 8, "label": 1},
    ),
}  # fmt: skip


def run(task: Task, tmp_path: Path) -> dict[str, Any]:
    prepare(task, Places(tmp_path / "archives.yaml"), tmp_path / "out")
    read: dict[str, Any] = json.loads((tmp_path / "out" / "manifest.json").read_text())
    return read


def refused(task: Task, tmp_path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(task, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".parquet", ".json")]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_its_columns(form: str, task: Callable[..., Task], tmp_path: Path) -> None:
    columns, row, expected = FORMS[form]
    labels = None if form in ("span", "regression") else ["no", "yes"]
    own = [name for name in declaration_of(form).metrics if name != "evaluate"]
    metric = own[-1]  # of tags, the one that takes any
    run(task([row] * 2, form=form, columns=columns, labels=labels, metric=metric), tmp_path)
    written = pq.read_table(tmp_path / "out" / "validation.parquet").to_pylist()
    assert written == [{"id": "all-1"} | expected]


def test_choices_can_be_columns_of_their_own(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"goal": "g", "one": "a", "two": "b", "right": i} for i in (0, 1)]
    columns = {"text": "goal", "choices": ["one", "so {two}"], "label": "right"}
    run(task(rows, form="choice", columns=columns, labels=None), tmp_path)
    (row,) = pq.read_table(tmp_path / "out" / "validation.parquet").to_pylist()
    assert (row["choices"], row["label"]) == (["a", "so b"], 1)


def test_one_span_without_a_label_is_in_the_group_of_its_text(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    columns = {"text": "t", "span1": "at", "labels": "is"}
    run(task([{"t": "a b", "at": [0, 1], "is": []}] * 2, form="spans", columns=columns), tmp_path)
    (row,) = pq.read_table(tmp_path / "out" / "validation.parquet").to_pylist()
    assert (row["span2_start"], row["span2_end"], row["labels"]) == (None, None, [])
    assert row["group"] == "a b"


@pytest.mark.parametrize(
    ("names", "value", "number"),
    [
        (["no", "yes"], 1, 1),
        (["no", "yes"], "yes", 1),
        (["2", "1"], 1, 1),  # a name that is a number goes before a number
        (["2", "1"], "2", 0),
        (["False", "True"], True, 1),
    ],
)
def test_a_label_is_given_by_name_or_by_number(
    names: list[str], value: Any, number: int, task: Callable[..., Task], tmp_path: Path
) -> None:
    run(task([{"text": "t", "label": value}] * 2, labels=names), tmp_path)
    (row,) = pq.read_table(tmp_path / "out" / "train.parquet").to_pylist()
    assert row["label"] == number


def test_labels_that_are_not_declared_are_found(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": "t", "label": label} for label in ("b", "a", "c", "a")]
    manifest = run(task(rows, labels=None), tmp_path)
    assert manifest["label_names"] == ["a", "b", "c"]
    (row,) = pq.read_table(tmp_path / "out" / "train.parquet").slice(0, 1).to_pylist()
    assert row["label"] == 1


def test_validation_rows_that_are_in_train_are_counted(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"text": text, "label": "no"} for text in ("a", "b", "a", "c")]
    manifest = run(task(rows), tmp_path)
    assert manifest["overlap"] == 1
    assert summary(manifest).endswith("2 labels, validation inputs also in train: 1")


def test_the_manifest_tells_sizes_labels_and_origin(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    manifest = run(task(SINGLE), tmp_path)
    assert manifest["sizes"] == {"train": 2, "validation": 2}
    assert manifest["labels"]["train"] == {"no": 1, "yes": 1}
    assert manifest["dropped"] == {}
    assert len(manifest["source"]["files"]["all"]["sha256"]) == 64
    assert set(manifest["files"]) == {"train.parquet", "validation.parquet", "groups.parquet"}
    assert re.fullmatch(r"own files, SHA-256 [0-9a-f]{12}", manifest["revision"])


def test_the_revision_is_another_one_when_a_byte_of_the_source_is(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    first, again, other = (run(task(rows), tmp_path) for rows in (SINGLE, SINGLE, SINGLE * 2))
    assert first["revision"] == again["revision"] != other["revision"]


def test_the_same_source_gives_the_same_bytes(task: Callable[..., Task], tmp_path: Path) -> None:
    mine = task(SINGLE)
    run(mine, tmp_path)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    run(mine, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def test_ids_are_unique_over_both_parts(task: Callable[..., Task], tmp_path: Path) -> None:
    run(task(SINGLE, split_by="text"), tmp_path)
    parts = [pq.read_table(tmp_path / f"out/{part}.parquet") for part in ("train", "validation")]
    ids = [value for part in parts for value in part["id"].to_pylist()]
    assert sorted(ids) == ["all-0", "all-1", "all-2", "all-3"]


def with_first(**changes: Any) -> Rows:
    return [SINGLE[0] | changes, *SINGLE[1:]]


def spans(**changes: Any) -> dict[str, Any]:
    columns, row, _ = FORMS["span"]
    return {"rows": [row | changes] * 2, "form": "span", "columns": columns}


def choices(**changes: Any) -> dict[str, Any]:
    columns, row, _ = FORMS["choice"]
    return {"rows": [row | changes] * 2, "form": "choice", "columns": columns, "labels": None}


def tagged(**changes: Any) -> dict[str, Any]:
    columns, row, _ = FORMS["tagging"]
    return {"rows": [row | changes] * 2, "form": "tagging", "columns": columns}


def spanned(**changes: Any) -> dict[str, Any]:
    columns = {"text": "t", "span1": "at", "labels": "label"}
    row = {"t": "a b", "at": [0, 1], "label": "no"}
    return {"rows": [row | changes] * 2, "form": "spans", "columns": columns}


def regressed(**changes: Any) -> dict[str, Any]:
    columns, row, _ = FORMS["regression"]
    columns = columns | {"value": "value"}
    return {"rows": [row | changes] * 2, "form": "regression", "columns": columns, "labels": None}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"rows": SINGLE, "columns": {"text": "txt", "label": "label"}},
            "mine.yaml: split 'all', line 1: key columns.text: no column 'txt'. "
            "Did you mean 'text'. Found: text, label",
        ),
        (
            {"rows": with_first(label="yess")},
            "mine.yaml: split 'all', line 1: key label: unknown label 'yess'. "
            "Did you mean 'yes'. Allowed: no, yes",
        ),
        (
            {"rows": with_first(text=None)},
            "line 1: key text: found nothing in column 'text'. Allowed: a",
        ),
        (choices(label=3), "line 1: key label: found 3. Allowed: 0 to 2"),
        (choices(label="x"), "line 1: key label: found 'x'. Allowed: 0 to 2, or the text"),
        (choices(options=[]), r"line 1: key choices: found \[\]. Allowed: a list"),
        (spans(at=15), "line 1: key start: found 15 to 19. Allowed: within 0 to 16"),
        (spans(at=4), "line 1: key start: the passage holds '990 ' from 4 to 8"),
        (
            {**spans(at=0), "rows": [{"q": "x", "p": " \t", "at": 0, "answers": [" "]}] * 2},
            r"line 1: key passage: found ' \\t'. Allowed: a text that holds the answer",
        ),
        (spanned(at=[1, 9]), "line 1: key span1: found 1 to 9. Allowed: within 0 to 3"),
        (spanned(at="1 9"), "line 1: key span1: found '1 9'. Allowed: a list of start and end"),
        (spanned(label="no "), "line 1: key labels: unknown label 'no '"),
        (regressed(value="high"), "line 1: key value: found 'high'. Allowed: a finite number"),
        (regressed(value=float("nan")), "line 1: key value: found nothing in column 'value'"),
        (regressed(value="1_5"), "line 1: key value: found '1_5'. Allowed: a finite number"),
        (regressed(value=True), "line 1: key value: found True. Allowed: a finite number"),
        ({"rows": with_first(label=2)}, "line 1: key label: unknown label '2'. Allowed: no, yes"),
        ({"rows": with_first(label=-1)}, "line 1: key label: unknown label '-1'"),
        (tagged(words=["a", ["b"], "c"]), r"key tokens: found \['b'\]. Allowed: a text or a num"),
        (
            choices(options=[{"a": 1}, "b"]),
            r"key choices, column .options.: found \{'a': 1\}. Allowed: a te",
        ),
        (
            {"rows": with_first(text={"a": 1}), "columns": {"text": "x {text}", "label": "label"}},
            r"key text, column 'text': found \{'a': 1\}. Allowed: a text or a number",
        ),
        (tagged(tags=["no"]), "line 1: key tags: found 1 tags for 3 tokens"),
        (tagged(tags="no no on"), "line 1: key tags: unknown label 'on'"),
        (
            {"rows": with_first(text="smile \ud83d")},
            r"line 1: key text: found '\\ud83d', half of a character \(a lone surrogate\), at char"
            "acter 7. Allowed: whole characters",
        ),
        (
            {"rows": with_first(label="\udc00"), "labels": None},
            r"line 1: key label: found '\\udc00', half of a character",
        ),
        (tagged(words=["a", "b", "\udfff"]), r"line 1: key tokens: found '\\udfff'"),
        (
            {"rows": with_first(label="L5x"), "labels": [f"L{i}" for i in range(5000)]},
            "unknown label 'L5x'. Did you mean 'L5'. Allowed: L0, L1, .*, L9 and 4990 more",
        ),
        (
            {"rows": SINGLE, "splits": {"train": "all[:0%]", "validation": "all"}},
            r"key splits.train: 'all\[:0%\]' selects no row",
        ),
        (
            {"rows": SINGLE, "splits": {"train": "tain", "validation": "all"}},
            "key splits.train: unknown split 'tain'.*Allowed: all",
        ),
        (
            {"rows": SINGLE, "splits": {"train": "all", "validation": "all[:50%]"}},
            "key splits: found 2 rows in both train and validation",
        ),
        ({"rows": SINGLE, "split_by": "labl"}, "key split_by: no column 'labl'. Did you mean"),
        ({"rows": WIDE, "split_by": "x"}, "no column 'x'. Found: text, .*, c37 and 62 more"),
        (
            {"rows": WIDE, "columns": {"text": "txt", "label": "label"}},
            "no column 'txt'. Did you mean 'text'. Found: text, label, c0, .*, c37 and 62 more",
        ),
    ],
)
def test_a_fault_names_file_key_found_and_allowed(
    changes: dict[str, Any], message: str, task: Callable[..., Task], tmp_path: Path
) -> None:
    refused(task(**changes), tmp_path, message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"files": {"all": "nowhere.csv"}}, "key source.files.all: nowhere.csv: No such file"),
        ({"files": {"all": "Makefile"}}, "key source.reader: not set, and no reader follows"),
        (
            {"files": {"all": "Makefile"}, "reader": "josnl"},
            "key source: unknown reader 'josnl'. Did you mean 'jsonl'",
        ),
        (
            {"files": {"all": "Makefile"}, "reader": "csv", "options": {"seperator": ";"}},
            "key source.options: unknown key 'seperator'. Did you mean 'separator'",
        ),
    ],
)
def test_a_faulty_source_is_named(
    source: dict[str, Any],
    message: str,
    task: Callable[..., Task],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Makefile").write_text("text,label\na,yes\n")
    refused(task([], source=source), tmp_path, message)


def test_options_reach_the_reader(task: Callable[..., Task], tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("text;label\na;yes\nb;no\n")
    source = {"files": {"all": str(tmp_path / "my.csv")}, "options": {"separator": ";"}}
    assert run(task([], source=source), tmp_path)["sizes"] == {"train": 1, "validation": 1}


def test_rows_of_an_archive_and_its_wrong_hash(
    task: Callable[..., Task], registry: Callable[..., Path], tmp_path: Path
) -> None:
    content = wheel({"tiny/rows.jsonl": jsonl(SINGLE)})
    given = tmp_path / FILE
    given.write_bytes(content)
    source = {"archive": "tiny", "members": {"all": "tiny/rows.jsonl"}}
    mine = task([], source=source)
    prepare(mine, Places(registry(content), given), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["source"]["archive"]["key"] == "tiny"
    assert manifest["source"]["files"]["all"]["name"] == "tiny/rows.jsonl"
    assert manifest["revision"].startswith("tiny-archive 1.0, SHA-256 ")
    with pytest.raises(InputError, match="wrong sha256"):
        prepare(mine, Places(registry(content + b" "), given), tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_failing_run_leaves_earlier_files_as_they_were(
    task: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(task(SINGLE), tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="out: cannot be written: no space left on the device"):
        run(task(SINGLE[::-1]), tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert not list(tmp_path.glob(".out.*"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": "pear"}, "key form: found 'pear'. Did you mean 'pair'"),
        ({"lables": ["a", "b"]}, "unknown key 'lables'. Did you mean 'labels'"),
        ({"columns": {"txt": "text", "label": "l"}}, "columns: unknown key 'txt'. Did you mean"),
        ({"metric": "acuracy"}, "key metric: found 'acuracy'. Did you mean 'accuracy'"),
        ({"labels": ["one"]}, "key labels: .*two or more"),
        ({"source": {}}, "key source"),
        ({"published": {"train": 0}}, "key published.train: found 0"),
    ],
)
def test_a_task_file_is_held_to_its_schema(
    changes: dict[str, Any], message: str, task: Callable[..., Task]
) -> None:
    with pytest.raises(InputError, match=message):
        task(SINGLE, **changes)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config/tasks").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_task_file_is_valid(path: Path) -> None:
    task = load_task(path)
    if task.source.archive:
        find_archive(task.source.archive, ROOT / "config/archives.yaml")
