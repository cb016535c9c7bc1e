"""A cut from which nothing can be learnt, or told apart, is refused before any training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task

from .conftest import jsonl


def labelled(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"text {number}", "label": label} for number, label in enumerate(labels)]


def made(task: Task, tmp_path: Path) -> dict[str, Any]:
    return prepare(task, Places(tmp_path / "archives.yaml"), tmp_path / "out")


def in_files(tmp_path: Path, train: list[Any], dev: list[Any]) -> dict[str, Any]:
    """Return source and splits of two files."""
    for name, labels in {"train": train, "dev": dev}.items():
        (tmp_path / f"{name}.jsonl").write_bytes(jsonl(labelled(*labels)))
    files = {name: str(tmp_path / f"{name}.jsonl") for name in ("train", "dev")}
    return {"source": {"files": files}, "splits": {"train": "train", "validation": "dev"}}


SORTED = "The rows are sorted by label: shuffle: true cuts them in another order"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 5 + ["b"] * 5, f"key splits.train: found one label, 'a', in all 5 rows.*{SORTED}"),
        (["a", "b"] * 2 + ["b"] * 4, None),
        ([*"aaabcccd"], f"validation .c, d. in train .a, b.*{SORTED}"),
        (["a", "b"] * 15 + ["b"] * 30, "splits.validation: .* 'b', in all 30 rows.*shuffle: true"),
        ([*"abcdef"], "found no label of validation .d, e, f. in train .a, b, c."),
        (["a"] * 6, "key columns.label: found one label, 'a', in all rows. Allowed: two or more"),
        (["a", "b"], None),
    ],
)  # fmt: skip
def test_a_cut_that_cannot_work_is_refused(
    labels: list[str], message: str | None, task: Callable[..., Task], tmp_path: Path
) -> None:
    mine = task(labelled(*labels), labels=None)
    if message is None:
        assert made(mine, tmp_path)["sizes"]["train"] == len(labels) // 2
        return
    with pytest.raises(InputError, match=f"mine.yaml: .*{message}"):
        made(mine, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_sorted_file_is_cut_shuffled(task: Callable[..., Task], tmp_path: Path) -> None:
    mine = task(labelled(*["no"] * 10, *["yes"] * 10), shuffle=True)
    manifest = made(mine, tmp_path)
    assert all(set(counts) == {"no", "yes"} for counts in manifest["labels"].values())
    assert manifest["warnings"] == []


def test_a_part_of_a_sorted_file_is_refused_too(task: Callable[..., Task], tmp_path: Path) -> None:
    given = in_files(tmp_path, ["no"] * 6 + ["yes"] * 6, ["no", "yes"])
    given["splits"]["train"] = "train[:6]"
    with pytest.raises(InputError, match=f"key splits.train: found one label, 'no'.*{SORTED}"):
        made(task([], **given), tmp_path)


def test_a_whole_file_of_one_label_is_told(task: Callable[..., Task], tmp_path: Path) -> None:
    given = in_files(tmp_path, ["no", "yes"] * 10, ["yes"] * 20)
    told = made(task([], **given), tmp_path)["warnings"]
    assert told[0].startswith("all 20 rows of validation have the label 'yes'")


def test_hidden_labels_are_refused(task: Callable[..., Task], tmp_path: Path) -> None:
    given = in_files(tmp_path, [0, 1] * 4, [-1] * 4)
    message = r"key splits: found no label of validation \(-1\) in train \(0, 1\).*hidden labels"
    with pytest.raises(InputError, match=message):
        made(task([], **given, labels=None), tmp_path)


@pytest.mark.parametrize("labels_from", [None, 0, 1])
def test_numbers_without_a_0_need_to_say_what_they_count_from(
    labels_from: int | None, task: Callable[..., Task], tmp_path: Path
) -> None:
    stars = ["one", "two", "three", "four", "five"]
    mine = task(labelled(1, 2, 3, 4, 1, 2, 3, 4), labels=stars, labels_from=labels_from)
    if labels_from is None:
        message = "no 0, which is 'one'. Needed: labels_from: 1 where they count from 1, else 0"
        with pytest.raises(InputError, match=message):
            made(mine, tmp_path)
        return
    first = next(iter(made(mine, tmp_path)["labels"]["train"]))
    assert first == stars[1 - labels_from]
