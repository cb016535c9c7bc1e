"""A mirror: a folder with data sets as Parquet, `<data set>/<split>.parquet`, and a manifest.

`MANIFEST.json` lists the files: data set, hub id and config where it has them, split, file, sha256.
"""

from __future__ import annotations

import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from interlude.data.fetch.places import below
from interlude.errors import InputError
from interlude.plan.declared import Declared, DeclaredByName, Name, Omittable, read
from interlude.plan.tasks import Splits, Task

MANIFEST = "MANIFEST.json"
KEYS = {"dataset", "split", "file", "sha256"}

Entry = dict[str, Any]


class Cut(Declared):
    """How a task is cut from a mirror that lacks a split of it."""

    splits: Splits = Field(description="what to train and to validate on, as in a task file")
    split_by: str | None = Field(
        None, description="column whose equal values stay on one side of a cut, as in a task file"
    )
    dataset: Omittable[str] = Field(
        None,
        description="the data set in the mirror, where it is not that of the hub id and config",
    )
    inputs: Omittable[list[str]] = Field(
        None, description="names of the files to read, as in a task file"
    )


class Cuts(DeclaredByName):
    """The file `config/mirrors/partial.yaml`: cuts by the name of the task."""

    root: dict[Name, Cut]


def find_mirrored(task: Task, mirror: Path, slices: Path) -> tuple[Task, dict[str, Entry]] | None:
    """Return the task as a mirror serves it, and the manifest's entry of each split it names.

    A mirror may lack a split: `slices`, which is `config/mirrors/partial.yaml`, then says how to
    cut train and validation out of the other ones. None when the mirror does not hold the task.
    """
    served = recut(task, slices)
    entries = _entries_of(served, mirror)
    wanted = served.inputs()
    if any(split not in entries for split in wanted):
        return None
    return served, {split: entries[split] for split in wanted}


def note_missing_split(task: Task, mirror: Path, slices: Path) -> None:
    """Print on stderr which split of a task a mirror lacks, when it has others of it."""
    served = recut(task, slices)
    entries = _entries_of(served, mirror)
    missing = [split for split in served.inputs() if split not in entries]
    if entries and missing:
        print(f"note: the mirror has {task.name} without the split {missing[0]}.", file=sys.stderr)


def _entries_of(served: Task, mirror: Path) -> dict[str, Entry]:
    return {entry["split"]: entry for entry in _entries(mirror) if _is_of(entry, served)}


def recut(task: Task, slices: Path) -> Task:
    """Return a task as it is cut from a mirror that lacks a split of it."""
    cut = read(Cuts, slices).root.get(task.name) if slices.exists() else None
    if cut is None:
        return task
    changes = {key: getattr(cut, key) for key in cut.model_fields_set}
    mirror = changes.pop("dataset", task.source.mirror)
    inputs = changes.pop("inputs", task.source.inputs)
    source = task.source.model_copy(update={"mirror": mirror, "inputs": inputs})
    return task.model_copy(update={"source": source, **changes})


def path_of(mirror: Path, entry: Entry) -> Path:
    """Return where a mirror's file is; InputError for a name that leads out of the mirror."""
    return below(mirror, entry["file"], f"{mirror / MANIFEST}: key file")


def read_entry(mirror: Path, entry: Entry) -> bytes:
    """Return the bytes of a mirror's file, checked against the hash in the manifest."""
    path = path_of(mirror, entry)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}, but {mirror / MANIFEST} lists it. Get the file again."
        ) from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != entry["sha256"]:
        raise InputError(
            f"{path}: wrong sha256: found {actual}, expected {entry['sha256']} "
            f"({mirror / MANIFEST}). Get the file again."
        )
    return content


@cache
def _entries(mirror: Path) -> list[Entry]:
    path = mirror / MANIFEST
    try:
        entries: list[Entry] = json.loads(path.read_text(encoding="utf8"))["files"]
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}. The key mirror names a folder with this file."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a manifest. Allowed: a JSON object with `files`.") from None
    for number, entry in enumerate(entries, start=1):
        missing = KEYS - set(entry)
        if missing:
            raise InputError(f"{path}: files, entry {number}: no key {sorted(missing)[0]!r}.")
    return entries


def _is_of(entry: Entry, task: Task) -> bool:
    """Return whether a file is of the data set that a task names, or of its hub id and config."""
    named, hub = task.source.mirror, task.source.hub
    if named is not None:
        return bool(entry["dataset"] == named)
    on_hub = (entry.get("hub_id"), entry.get("hub_config"))
    return hub is not None and on_hub == (hub.id, hub.config)
