"""Which validation examples belong together is written beside the data; it changes none."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from interlude.data.fetch.origin import may_have_groups
from interlude.data.fetch.places import Places
from interlude.data.groups import Groups, read_groups
from interlude.data.made_from import code_of
from interlude.data.prepare import prepare
from interlude.data.shape import together
from interlude.plan.digest import SOURCES, modules_of, reading_roots
from interlude.plan.tasks import Task

WRITERS = ["Ann", "bob", "Cy", None]
ROWS = [
    {"text": f"text {k}", "label": ["no", "yes"][k % 2], "by": WRITERS[k % 4]} for k in range(24)
]


def prepared(task: Task, folder: Path) -> Groups:
    manifest = prepare(task, Places(folder / "archives.yaml"), folder / "out")
    groups = read_groups(folder / "out", manifest["revision"])
    assert groups is not None
    assert list(groups) == pq.read_table(folder / "out/validation.parquet")["id"].to_pylist()
    return groups


def pairs(groups: Groups) -> set[tuple[str, str]]:
    return {(a, b) for a, b in combinations(groups, 2) if set(groups[a]) & set(groups[b])}


def test_rows_of_one_value_of_split_by_are_a_group(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    groups = prepared(task(ROWS, split_by="by"), tmp_path)
    of = {id: ROWS[int(id.removeprefix("all-"))]["by"] for id in groups}
    assert pairs(groups) == {(a, b) for a, b in combinations(of, 2) if of[a] and of[a] == of[b]}
    assert len(pairs(groups)) > 0
    assert {id for id, names in groups.items() if not names} == {id for id in of if not of[id]}


def test_without_split_by_no_rows_belong_together(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    assert set(map(len, prepared(task(ROWS), tmp_path).values())) == {0}


def test_targets_of_a_sentence_are_a_group_in_that_by_which_rows_are_cut(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = [{"t": f"a b {k // 2}", "at": [0, 1], "is": ["no"], "by": k // 6} for k in range(24)]
    columns = {"text": "t", "span1": "at", "labels": "is"}
    changes: dict[str, Any] = {"form": "spans", "columns": columns}
    alone = prepared(task(rows, **changes), tmp_path)
    assert len(pairs(alone)) == 6  # 12 rows of 6 sentences
    cut = prepared(task(rows, **changes, split_by="by"), tmp_path)
    assert set(map(len, cut.values())) == {2}
    assert len(pairs(cut)) == 2 * 15  # 12 rows in two groups of 6


def test_groups_of_other_data_are_not_known(task: Callable[..., Task], tmp_path: Path) -> None:
    prepared(task(ROWS, split_by="by"), tmp_path)
    assert read_groups(tmp_path / "out", "another revision") is None
    assert read_groups(tmp_path / "none", None) is None


@pytest.mark.parametrize(
    ("changes", "cut", "expected"),
    [
        ({}, {}, False),
        ({"split_by": "by"}, {}, True),
        ({}, {"mine": {"split_by": "by"}}, True),
        ({}, {"other": {"split_by": "by"}}, False),
        ({"form": "spans", "columns": {"text": "t", "span1": "s", "labels": "l"}}, {}, True),
    ],
)
def test_which_tasks_may_have_groups(
    changes: dict[str, Any],
    cut: dict[str, Any],
    expected: bool,
    task: Callable[..., Task],
    tmp_path: Path,
) -> None:
    splits = {"train": "train[:50%]", "validation": "train[50%:]"}
    slices = tmp_path / "partial.yaml"
    slices.write_text(yaml.safe_dump({name: {"splits": splits, **by} for name, by in cut.items()}))
    assert may_have_groups(task(ROWS, **changes), slices) is expected


def test_no_digest_of_reading_covers_them(task: Callable[..., Task]) -> None:
    assert code_of(task(ROWS))  # so that what was made before stays as it is
    modules = modules_of(reading_roots("interlude.data.read.readers", "spans"))
    assert "interlude.data.shape.normalise" in modules
    assert SOURCES.joinpath(*together.__name__.split(".")).with_suffix(".py").is_file()
    assert not {"interlude.data.groups", together.__name__} & modules.keys()
