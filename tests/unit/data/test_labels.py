"""Labels by number, as letters, and as the text of a choice; never another label's name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task

CHOICE = {"text": "q", "choices": "o", "label": "label"}
WORDS = ["x", "y", "z"]


def made(task: Task, tmp_path: Path) -> tuple[dict[str, Any], list[int]]:
    """Return the manifest and the labels of both parts."""
    manifest = prepare(task, Places(tmp_path / "archives.yaml"), tmp_path / "out")
    parts = (pq.read_table(tmp_path / "out" / f"{p}.parquet") for p in ("train", "validation"))
    return manifest, [label for part in parts for label in part["label"].to_pylist()]


def labelled(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"text {number}", "label": label} for number, label in enumerate(labels)]


def csv_task(task: Callable[..., Task], tmp_path: Path, cells: list[str], **changes: Any) -> Task:
    """Return a task whose labels stand in a CSV file."""
    path = tmp_path / "rows.csv"
    lines = (f"text {number},{label}" for number, label in enumerate(cells))
    path.write_text("\n".join(["text,label", *lines]))
    return task([], source={"files": {"all": str(path)}}, **changes)


@pytest.mark.parametrize("spelling", ["0 1 1 0", "0.0 1.0 1.0 0.0", "0 1.0 1 0.0", "no 1 yes 0"])
def test_numbers_in_csv_are_labels(
    spelling: str, task: Callable[..., Task], tmp_path: Path
) -> None:
    assert made(csv_task(task, tmp_path, spelling.split()), tmp_path)[1] == [0, 1, 1, 0]


def test_numbers_in_each_spelling_are_one_label(task: Callable[..., Task], tmp_path: Path) -> None:
    spellings = ["0", "1", "0.0", "1.0"]
    manifest, numbers = made(csv_task(task, tmp_path, spellings, labels=None), tmp_path)
    assert (manifest["label_names"], numbers) == (["0", "1"], [0, 1, 0, 1])


def test_floats_of_a_column_with_a_gap_are_whole_numbers(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = labelled(0.0, 1.0, None, 0.0, 1.0)
    manifest, numbers = made(task(rows, labels=None, missing="drop"), tmp_path)
    assert (manifest["label_names"], numbers) == (["0", "1"], [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        ((0, 5), ["a", "b", "c", "d", "e"], r"'5'.* As numbers: 0 to 4. Numbers that count from 1"),
        ((0, -1), ["a", "b"], r"'-1'. Allowed: a, b. -1 often marks rows without a label"),
        ((0, {"a": 1}), ["a", "b"], r"key label: found \{'a': 1\}. Allowed: a text or a number"),
        (("a", "x" * 500), ["a", "b"], r"unknown label 'x{80}…'\. Allowed"),
    ],
)
def test_what_is_no_label_is_refused_with_a_way_out(
    labels: tuple[Any, ...],
    names: list[str],
    message: str,
    task: Callable[..., Task],
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=f"line 2: .*{message}"):
        made(task(labelled(*labels), labels=names), tmp_path)


def test_numbers_may_count_from_1(task: Callable[..., Task], tmp_path: Path) -> None:
    stars = ["one", "two", "three"]
    rows = labelled(1, "2", 3.0, "two")
    assert made(task(rows, labels=stars, labels_from=1), tmp_path)[1] == [0, 1, 2, 1]


def chosen(*rows: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"q": "?", "o": options, "label": label} for options, label in rows]


@pytest.mark.parametrize(
    ("options", "label", "changes", "place"),
    [
        (WORDS, 1, {}, 1),
        (WORDS, "2", {}, 2),
        (WORDS, 1.0, {}, 1),
        (WORDS, "z", {}, 2),
        (WORDS, 3, {"labels_from": 1}, 2),
        (WORDS, "B", {"labels": ["A", "B", "C"]}, 1),
        (["2", "1", "0"], 2, {}, 2),  # a number is no text
        (["2", "1", "0"], "2", {"labels_from": 0}, 2),
        (["2", "1", "0"], "2", {"labels_from": "choices"}, 0),
        ([3, 4, 5.0], 5, {}, 2),
        ([3, 4, 5.0], "4", {"labels_from": "choices"}, 1),
    ],
)
def test_the_label_of_a_choice_is_its_number_or_its_text(
    options: list[Any],
    label: Any,
    changes: dict[str, Any],
    place: int,
    task: Callable[..., Task],
    tmp_path: Path,
) -> None:
    rows = chosen((options, label), (options, label))
    mine = task(rows, form="choice", columns=CHOICE, **{"labels": None, **changes})
    assert made(mine, tmp_path)[1] == [place, place]


@pytest.mark.parametrize(
    ("options", "label", "changes", "message"),
    [
        (
            ["2", "1", "0"],
            "2",
            {},
            r"'2', which may be choice 0 \('2'\) and 2 \('0'\). Say in labels_f",
        ),
        (["no", "yes", "no"], "no", {}, r"'no', which may be choice 0 \('no'\) and 2 \('no'\)"),
        (WORDS, 3, {}, "3. Allowed: 0 to 2, or the text of one choice. Numbers that count from 1"),
        (WORDS, "C", {}, r"'C'. .* Letters are declared: labels: \[A, B, C\]"),
        (WORDS, "b", {}, r"'b'. .* Letters are declared: labels: \[a, b, c\]"),
        (WORDS, 0, {"labels_from": 1}, "0. Allowed: 1 to 3"),
        (WORDS, 0, {"labels_from": "choices"}, "0. Allowed: the text of one choice"),
        (WORDS, True, {}, "True. Allowed: 0 to 2"),
        (WORDS, -1, {}, "-1. Allowed: 0 to 2"),
    ],
)
def test_a_label_that_is_no_choice_or_several_is_refused(
    options: list[Any],
    label: Any,
    changes: dict[str, Any],
    message: str,
    task: Callable[..., Task],
    tmp_path: Path,
) -> None:
    rows = chosen((options, label), (options, label))
    mine = task(rows, form="choice", columns=CHOICE, labels=None, **changes)
    with pytest.raises(InputError, match=f"line 1: key label: found {message}"):
        made(mine, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels_from": "choices"},
            "key labels_from: found 'choices'. Allowed: 0 or 1; choices only with",
        ),
        ({"labels_from": 1, "labels": None}, "key labels_from: found 1, and no labels"),
        ({"labels_from": 2}, "key labels_from: found 2"),
    ],
)
def test_what_numbers_count_from_fits_the_task(
    changes: dict[str, Any], message: str, task: Callable[..., Task]
) -> None:
    with pytest.raises(InputError, match=message):
        task(labelled("no", "yes"), **changes)
