"""Find and read the data of a task: in a mirror, an archive, the hub, or the user's own files."""

from __future__ import annotations

import hashlib
import inspect
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlude.data.fetch.archives import fetch, find_archive, read_members, verify
from interlude.data.fetch.hub import fetch_dataset
from interlude.data.fetch.mirror import find_mirrored, read_entry
from interlude.data.fetch.own import own_files
from interlude.data.fetch.places import Places
from interlude.data.read import benchmarks, edges, probing  # noqa: F401  (register their readers)
from interlude.data.read.readers import READERS
from interlude.errors import InputError, unknown
from interlude.plan.tasks import Task

BY_ENDING = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Source:
    """Rows of a task by split, how many were dropped for which reason, and where they are from.

    `task` is the task with the splits that this source serves.
    """

    task: Task
    splits: dict[str, list[dict[str, Any]]]
    dropped: Counter[str]
    provenance: dict[str, Any]

    @property
    def revision(self) -> str:
        """Return which data these are: what they are called, and 12 digits of their SHA-256."""
        files = self.provenance["files"].values()
        digest = hashlib.sha256("".join(file["sha256"] for file in files).encode())
        return f"{_called(self.provenance)}, SHA-256 {digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class Files:
    """What the file of each split is called and holds, and where they are from."""

    task: Task
    names: dict[str, str]
    contents: dict[str, bytes]
    origin: dict[str, Any]


def read_source(task: Task, places: Places) -> Source:
    """Read the rows of a task: from the mirror if it holds them, else from its declared source.

    Raises InputError when a file, a member or a reader is missing or cannot be read.
    """
    files = _from_mirror(task, places) or _from_declared(task, places)
    splits, dropped = _read(files)
    return Source(files.task, splits, dropped, files.origin | {"files": _hashed(files)})


def _from_mirror(task: Task, places: Places) -> Files | None:
    if places.mirror is None:
        return None
    held = find_mirrored(task, places.mirror, places.slices)
    if held is None:
        return None
    served, entries = held
    names = {split: entry["file"] for split, entry in entries.items()}
    contents = {split: read_entry(places.mirror, entry) for split, entry in entries.items()}
    dataset = next(iter(entries.values()))["dataset"]
    return Files(served, names, contents, {"mirror": dataset})


def _from_declared(task: Task, places: Places) -> Files:
    finders = {
        "files": _from_files,
        "own": _from_own,
        "hub": _from_hub,
        "archive": _from_archive,
    }
    kind = next(kind for kind in finders if kind in task.source)
    return finders[kind](task, places)


def _from_files(task: Task, _: Places) -> Files:
    names = task.source["files"]
    key = f"{task.path}: key source.files"
    contents = {split: _file(Path(name), f"{key}.{split}") for split, name in names.items()}
    return Files(task, names, contents, {})


def _from_own(task: Task, places: Places) -> Files:
    paths = own_files(task, places.own_data)
    contents = {split: _file(path, str(task.path)) for split, path in paths.items()}
    names = {split: path.name for split, path in paths.items()}
    return Files(task, names, contents, {"own": task.source["own"]["obtain"]})


def _from_hub(task: Task, _: Places) -> Files:
    splits = task.inputs()
    where = f"{task.path}: key source.hub"
    fetched = fetch_dataset(task.source["hub"], splits, where)
    return Files(task, fetched.names, fetched.contents, {"hub": fetched.origin})


def _from_archive(task: Task, places: Places) -> Files:
    names = task.source["members"]
    archive = find_archive(task.source["archive"], places.registry)
    path = places.archive_file or fetch(archive)
    verify(path, archive)
    members = read_members(path, names.values())
    contents = {split: members[name] for split, name in names.items()}
    return Files(task, names, contents, {"archive": vars(archive)})


def _file(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{where}: {path}: {error.strerror}. Paths are relative to the working directory."
        ) from None


def _called(provenance: dict[str, Any]) -> str:
    """Return the package with its version, the hub data set with its commit, or the like."""
    match provenance:
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


def _hashed(files: Files) -> dict[str, dict[str, str]]:
    return {
        split: {"name": files.names[split], "sha256": hashlib.sha256(content).hexdigest()}
        for split, content in files.contents.items()
    }


def _read(files: Files) -> tuple[dict[str, list[dict[str, Any]]], Counter[str]]:
    task = files.task
    reader = READERS[_reader_name(files)]
    options = task.source["options"]
    allowed = list(inspect.signature(reader).parameters)[2:]
    for option in options:
        if option not in allowed:
            raise unknown(f"{task.path}: key source.options", "option", option, allowed)
    dropped: Counter[str] = Counter()
    try:
        return reader(files.contents, dropped, **options), dropped
    except InputError as error:
        raise InputError(f"{task.path}: key source: {error}") from None


def _reader_name(files: Files) -> str:
    declared = files.task.source["reader"]
    where = f"{files.task.path}: key source"
    if declared is None:
        endings = {Path(name).suffix for name in files.names.values()}
        if len(endings) != 1 or not endings <= set(BY_ENDING):
            raise InputError(
                f"{where}.reader: not given, and the file endings "
                f"{sorted(endings)} do not tell. Allowed: {', '.join(sorted(READERS))}."
            )
        return BY_ENDING[endings.pop()]
    if declared not in READERS:
        raise unknown(where, "reader", declared, list(READERS))
    return str(declared)
