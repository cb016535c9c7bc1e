"""The embedded tasks, made from the real archives; skipped where these cannot be had."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers.once import made_once
from helpers.prepared import make

from interlude.data.fetch.archives import fetch, find_archive
from interlude.data.fetch.files import fetch_files
from interlude.data.fetch.origin import find_origin
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.data.read.rows import read_rows
from interlude.data.read.similar import families
from interlude.data.shape.splits import cut
from interlude.errors import InputError
from interlude.plan.tasks import load_task

ROOT = Path(__file__).parents[3]
REGISTRY = ROOT / "config/archives.yaml"

# Train, validation, and the share of the most frequent label of both (spans and tags: none).
EXPECTED: dict[str, tuple[int, int, float | None]] = {
    "boolq": (9427, 3270, 0.623),
    "commonsense-qa-dev": (854, 366, 0.209),
    "disfl-qa": (417, 180, None),
    "finance-ner": (815, 349, None),
    "openbook-qa": (350, 150, 0.276),
    "piqa": (1050, 450, 0.503),
    "privacy-qa": (7632, 3291, 0.501),
    "probe-bigram-shift": (4800, 1200, 0.5),
    "probe-coordination-inversion": (360, 155, 0.501),
    "probe-sentence-length": (4800, 1200, 0.167),
    "probe-word-content": (2271, 569, 0.05),
    "quartz": (2701, 1159, 0.501),
    "sarcasm": (22891, 5723, 0.524),
    "social-iqa-dev": (1368, 586, 0.336),
}


@pytest.fixture(autouse=True)
def _apart() -> None:
    """Undo the isolation of the other tests: here the machine's cache and index are wanted."""


def source_archive(name: str) -> Path:
    key = load_task(ROOT / f"config/tasks/{name}.yaml").source.archive or ""
    try:
        return fetch(find_archive(key, REGISTRY))
    except InputError as error:
        pytest.skip(f"the archive cannot be had here: {error}")


@pytest.fixture(scope="module", params=EXPECTED)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Name, folder and rows by split of an embedded task."""
    name = request.param
    task = load_task(ROOT / f"config/tasks/{name}.yaml")
    once = made_once(tmp_path_factory, f"data-{name}", lambda new: make(task, new / "task"))
    tables = make(task, once / "task").tables
    return name, once / "task", {part: table.to_pylist() for part, table in tables.items()}


def test_sizes_and_balance(made: Any) -> None:
    name, folder, rows = made
    train, validation, majority = EXPECTED[name]
    assert (len(rows["train"]), len(rows["validation"])) == (train, validation)
    labels = [row["label"] for part in rows.values() for row in part if "label" in row]
    if majority is not None:
        share = max(labels.count(label) for label in set(labels)) / len(labels)
        assert share == pytest.approx(majority, abs=0.001)
    assert json.loads((folder / "manifest.json").read_text())["task"] == name


def test_both_parts_have_every_label(made: Any) -> None:
    name, folder, _ = made
    labels = json.loads((folder / "manifest.json").read_text())["labels"]
    assert list(labels["train"]) == list(labels["validation"])
    assert len(labels["train"]) >= len(load_task(ROOT / f"config/tasks/{name}.yaml").labels)


def test_no_group_is_in_both_parts(made: Any) -> None:
    name, _, _ = made
    task = load_task(ROOT / f"config/tasks/{name}.yaml")
    if task.split_by is None:
        pytest.skip("official split")
    places = Places(REGISTRY, source_archive(name))
    files = fetch_files(*find_origin(task, places), places)
    splits, _ = read_rows(task, files.names, files.contents)
    train, validation = (
        {
            words(splits[split][index][task.split_by])
            for split, index in cut(splits, at, task.split_by, "")
        }
        for at in (task.splits["train"], task.splits["validation"])
    )
    assert not train & validation


def words(value: str) -> str:
    return " ".join(re.findall(r"\w+", value.lower()))


@pytest.mark.parametrize("name", ["quartz", "finance-ner"])
def test_no_near_duplicate_is_in_both_parts(name: str, tmp_path: Path) -> None:
    archive = source_archive(name)
    prepare(load_task(ROOT / f"config/tasks/{name}.yaml"), Places(REGISTRY, archive), tmp_path)
    texts, parts = [], []
    for part in ("train", "validation"):
        for row in pq.read_table(tmp_path / f"{part}.parquet").to_pylist():
            texts.append(
                " ".join(row["tokens"] if "tokens" in row else [row["text"], *row["choices"]])
            )
            parts.append(part)
    sides: dict[int, set[str]] = {}
    for family, part in zip(families(texts), parts, strict=True):
        sides.setdefault(family, set()).add(part)
    assert all(len(side) == 1 for side in sides.values())


def test_rows_hold_together(made: Any) -> None:
    """Spans are in their passage, labels among their choices, a tag at each token, ids unique."""
    _, _, rows = made
    every = [row for part in rows.values() for row in part]
    assert len({row["id"] for row in every}) == len(every)
    for row in every:
        if "start" in row:
            assert row["passage"][row["start"] : row["end"]] in row["answers"]
        if "choices" in row:
            assert 0 <= row["label"] < len(row["choices"])
        if "tokens" in row:
            assert len(row["tokens"]) == len(row["tags"]) > 0
