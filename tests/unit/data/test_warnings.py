"""What is no fault and may be a mistake is told: in the manifest, and when the data are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        "labels that only train has: c (1 of 3); validation says nothing of them",
        "labels that only validation has: d (1 of 3); they can be predicted, and not be learnt",
    ]


def test_many_labels_on_one_side_are_told_in_short(
    task: Callable[..., Task], tmp_path: Path
) -> None:
    rows = labelled("a", "b", *map(str, range(100)), *["a", "b"] * 51)
    (told,) = warnings(task(rows, labels=None), tmp_path)
    assert told.startswith("labels that only train has: 0, 1, 10, 11")
    assert "and 90 more" in told
    assert len(told) < 200
