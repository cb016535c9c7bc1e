"""What is no fault and may be a mistake is told: in the manifest, and when the data are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.plan.tasks import Task


def warnings(task: Task, tmp_path: Path) -> list[str]:
    """Return the warnings in the manifest that is written."""
    prepare(task, Places(tmp_path / "archives.yaml"), tmp_path / "out")
    told: list[str] = json.loads((tmp_path / "out" / "manifest.json").read_text())["warnings"]
    return told


def labelled(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"text {number}", "label": label} for number, label in enumerate(labels)]


def test_data_without_doubt_have_no_warning(task: Callable[..., Task], tmp_path: Path) -> None:
    assert warnings(task(labelled("no", "yes", "yes", "no")), tmp_path) == []


def test_labels_on_one_side_are_told(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = labelled("a", "b", "c", "a", "b", "d")
    assert warnings(task(rows, labels=None), tmp_path) == [
        "labels that only train has: c (1 of 3); validation does not test them",
        "labels that only validation has: d (1 of 3); they cannot be learnt",
    ]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (
            ["Good", "bad", "good", "bad"],
            "labels that may be one, but count as several: 'Good' and 'good'",
        ),
        ([" bad", " bad ", " bad", " bad "], "count as several: ' bad' and ' bad '"),
        (["e\u0301", "\u00e9"] * 2, "labels that may be one, but count as several"),
        ([1, True, 1, True], "count as several: '1' and 'True'"),
        (["a\u200b", "a"] * 2, "labels that may be one, but count as several"),
        (["01", "1", "1", "01"], "count as several: '01' and '1'"),
        (["1", "1.0", "2", "1"], "count as the same whole number: 1.0"),
        ([0, 1, -1, 0, 1, -1], "the label -1 (2 rows) is one of the labels; where it marks rows"),
        (["no", "yes", "no", "no", "yes", "yes", "no"], None),
        ([-1, 1, -1, 1], None),
        ([0.5, 1, 0.5, 1.0], None),
    ],
)
def test_labels_in_doubt_are_told(
    labels: list[Any], told: str | None, task: Callable[..., Task], tmp_path: Path
) -> None:
    found = warnings(task(labelled(*labels), labels=None), tmp_path)
    assert [told in each for each in found[:1]] == [True] if told else found == []


def test_dropped_rows_are_told(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = labelled("no", "yes", None, "no", "yes", None)
    assert warnings(task(rows, missing="drop"), tmp_path) == [
        "rows that missing: drop left out: 2, with nothing in label"
    ]


def test_one_label_in_few_rows_is_told(task: Callable[..., Task], tmp_path: Path) -> None:
    told = warnings(task(labelled("no", "yes", "no", "yes", "yes", "yes")), tmp_path)
    assert told[0] == (
        "all 3 rows of validation have the label 'yes': a model that always predicts it is always "
        "right"
    )


def test_a_right_choice_that_is_never_the_first_is_told(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"q": f"{n}?", "o": ["a", "b", "c"], "label": 1 + n % 2} for n in range(8)]
    columns = {"text": "q", "choices": "o", "label": "label"}
    open_, said = (
        warnings(task(rows, form="choice", columns=columns, labels=None, **more), tmp_path)
        for more in ({}, {"labels_from": 0})
    )
    assert open_[0].startswith("the first choice is never the right one: numbers that count from 1")
    assert said == []


def test_groups_that_are_missing_or_swallow_a_part_are_told(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    docs = [*"ab", None, "", *["y"] * 8]
    rows = [{"text": f"t {n}", "label": n // 2 % 2, "doc": doc} for n, doc in enumerate(docs)]
    told = warnings(task(rows, split_by="doc"), tmp_path)
    assert told[0] == (
        "rows of 'all' without 'doc' (split_by): 2 of 12; each is a group of its own"
    )
    assert told[1] == (
        "train has 2 rows where all[:50%] asks for 6: groups stay whole (split_by), and the "
        "largest of 5 has 8 rows"
    )


def test_a_sorted_file_is_told_where_labels_are_on_one_side(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    told = warnings(task(labelled(*"aabbbbcc"), labels=None), tmp_path)
    assert all(each.endswith("by label, shuffle: true cuts them otherwise") for each in told)
    assert len(told) == 2


def test_many_labels_on_one_side_are_told_in_short(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = labelled("a", "b", *map(str, range(100)), *["a", "b"] * 51)
    (told,) = warnings(task(rows, labels=None), tmp_path)
    assert told.startswith("labels that only train has: 0, 1, 10, 11")
    assert "and 90 more" in told
    assert len(told) < 200


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([3, 3.0, "3", 1], ["all 2 values to train on are 3: there is nothing to learn"]),
        ([1, 2, 3, 4, 5] * 4, []),
        (
            [1, 2, 3, 4, 999, *[1, 2, 3, 4] * 4],
            [
                "1 of 10 values to train on lie far from the others, such as 999; half of all lie "
                "between 1.25 and 3.75"
            ],
        ),
    ],
)
def test_numbers_that_are_the_same_or_far_from_the_others_are_told(
    values: list[Any], told: list[str], task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"a": f"a {n}", "b": f"b {n}", "score": value} for n, value in enumerate(values)]
    columns = {"text_a": "a", "text_b": "b", "value": "score"}
    mine = task(rows, form="regression", columns=columns, labels=None)
    assert warnings(mine, tmp_path) == told
