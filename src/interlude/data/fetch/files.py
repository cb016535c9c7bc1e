"""Fetch what a task's rows are read from: the bytes of each split's file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from interlude.data.fetch.archives import fetch, find_archive, read_members, verify
from interlude.data.fetch.hub_dataset import fetch_dataset
from interlude.data.fetch.mirror import read_entry
from interlude.data.fetch.origin import Origin
from interlude.data.fetch.places import Places
from interlude.errors import InputError
from interlude.plan.tasks import Task


@dataclass(frozen=True)
class Files:
    """What the file of each split is called and holds.

    about: where they are from, for the record: {"hub": {...}}, {"archive": {...}} or the like.
    """

    names: dict[str, str]
    contents: dict[str, bytes]
    about: dict[str, Any]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the file of each split."""
        return {
            split: hashlib.sha256(content).hexdigest() for split, content in self.contents.items()
        }

    @property
    def provenance(self) -> dict[str, Any]:
        """What to put on record."""
        return self.about | {
            "files": {
                split: {"name": self.names[split], "sha256": sha256}
                for split, sha256 in self.hashes.items()
            }
        }

    @property
    def revision(self) -> str:
        """Which data these are: what they are called, and 12 digits of their SHA-256."""
        digest = hashlib.sha256("".join(self.hashes.values()).encode())
        return f"{_called(self.about)}, SHA-256 {digest.hexdigest()[:12]}"


def fetch_files(task: Task, origin: Origin, places: Places) -> Files:
    """Return the files of a task from its origin.

    Raises InputError when a file or a member is missing or cannot be read, or its hash is wrong.
    """
    return _FETCHERS[origin.kind](task, origin, places)


def _from_mirror(_: Task, origin: Origin, places: Places) -> Files:
    assert places.mirror is not None  # noqa: S101  for the type checker
    names = {split: entry["file"] for split, entry in origin.entries.items()}
    contents = {split: read_entry(places.mirror, each) for split, each in origin.entries.items()}
    dataset = next(iter(origin.entries.values()))["dataset"]
    return Files(names, contents, {"mirror": dataset})


def _from_files(task: Task, origin: Origin, _: Places) -> Files:
    key = f"{task.path}: key source.files"
    contents = {split: _read(path, f"{key}.{split}") for split, path in origin.files.items()}
    return Files(task.source.files or {}, contents, {})


def _from_own(task: Task, origin: Origin, _: Places) -> Files:
    contents = {split: _read(path, str(task.path)) for split, path in origin.files.items()}
    names = {split: path.name for split, path in origin.files.items()}
    assert task.source.own is not None  # noqa: S101  for the type checker
    return Files(names, contents, {"own": task.source.own.obtain})


def _from_hub(task: Task, _: Origin, __: Places) -> Files:
    assert task.source.hub is not None  # noqa: S101  for the type checker
    asked, where = task.source.hub.model_dump(), f"{task.path}: key source.hub"
    names, contents, origin = fetch_dataset(asked, task.inputs(), where)
    return Files(names, contents, {"hub": origin})


def _from_archive(task: Task, _: Origin, places: Places) -> Files:
    names = task.source.members or {}
    archive = find_archive(str(task.source.archive), places.registry)
    path = places.archive_file or fetch(archive)
    verify(path, archive)
    members = read_members(path, names.values())
    contents = {split: members[name] for split, name in names.items()}
    return Files(names, contents, {"archive": archive.on_record()})


_FETCHERS: dict[str, Callable[[Task, Origin, Places], Files]] = {
    "mirror": _from_mirror,
    "files": _from_files,
    "own": _from_own,
    "hub": _from_hub,
    "archive": _from_archive,
}


def _read(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{where}: {path}: {error.strerror}. Paths are relative to the working directory."
        ) from None


def _called(about: dict[str, Any]) -> str:
    """Return the package with its version, the hub data set with its commit, or the like."""
    match about:
        case {"archive": archive}:
            return f"{archive['package']} {archive['version']}"
        case {"hub": origin}:
            return f"{origin['id']} ({origin['config']}) at {origin['commit']}"
        case {"mirror": dataset}:
            return f"{dataset} of a mirror"
        case {"own": _}:
            return "own copy"
        case _:
            return "own files"
