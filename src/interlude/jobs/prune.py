"""Trainings that no study's plan names: list them with their size, and delete them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlude.jobs.collect import needed_by
from interlude.plan.cells import read_plan


@dataclass(frozen=True)
class Unnamed:
    """A training that no plan names: its folder, what it trained on, and its size in bytes."""

    folder: Path
    tasks: str
    size: int


def unnamed_trainings(results: Path) -> list[Unnamed]:
    """Return the trainings below `results` that no study's plan.csv names, the largest first.

    A training that one with a name starts from, or was compared with, is not among them.
    Raises InputError for a plan that cannot be read: what it names is not known then.
    """
    folders = [path for path in sorted((results / "trained").glob("*")) if path.is_dir()]
    kept = _needed(results)
    unnamed = [_described(folder) for folder in folders if folder.name not in kept]
    return sorted(unnamed, key=lambda each: -each.size)


def delete(unnamed: Iterable[Unnamed], shared: Path | None) -> None:
    """Delete trainings, and their entries in the folder of shared outcomes."""
    gone = {each.folder.absolute() for each in unnamed}
    for folder in gone:
        shutil.rmtree(folder)
    if shared is not None and shared.is_dir():
        _forget(shared, {str(folder) for folder in gone})


def _needed(results: Path) -> set[str]:
    """Return the ids that plans name, and those that they start from or were compared with."""
    named = {cell.training for plan in results.glob("*/plan.csv") for cell in read_plan(plan)}
    waiting = list(named)
    while waiting:
        for needed in needed_by(_record(results / "trained" / waiting.pop())):
            if needed not in named:
                named.add(needed)
                waiting.append(needed)
    return named


def _described(folder: Path) -> Unnamed:
    parts = _record(folder).get("parts", [])
    tasks = " + ".join(part["task"] for part in parts) or "no record"
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Unnamed(folder, tasks, size)


def _record(folder: Path) -> dict[str, Any]:
    """Return a record; nothing where there is none, or a broken one."""
    with suppress(OSError, ValueError):
        record = json.loads((folder / "record.json").read_text(encoding="utf8"))
        return record if isinstance(record, dict) else {}
    return {}


def _forget(shared: Path, folders: set[str]) -> None:
    """Remove the entries of outcomes that lay in these folders, and files of no other entry."""
    entries = list(_entries(shared))
    kept = {file for _, folder, files in entries if folder not in folders for file in files}
    for path, folder, files in entries:
        if folder in folders:
            for gone in (path, *files - kept):
                gone.unlink(missing_ok=True)


def _entries(shared: Path) -> Iterator[tuple[Path, str, set[Path]]]:
    """Yield the path of each whole entry, the folder that its outcome lay in, and its files."""
    for path in shared.glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            entry = json.loads(path.read_text(encoding="utf8"))
            files = {shared / name for name in entry["files"].values()}
            yield path, entry["metadata"]["folder"], files
