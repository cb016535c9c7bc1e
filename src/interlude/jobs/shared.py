"""Outcomes that studies share: stored under what they were made from, checked when copied.

An entry, `<identity>.json`, holds the metadata of an outcome and the SHA-256 of each of its files,
the name under which the file lies beside it. So two jobs that store the same outcome at once cannot
mix theirs, and broken files are not used. An entry is put in place after its files.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlude.errors import InputError
from interlude.files import sha256_of, write_json, written_atomically

Metadata = dict[str, Any]
Say = Callable[[str], None]


def identity_of(*made_from: Any) -> str:
    """Return the SHA-256 of all that can change an outcome; paths stand for their contents."""
    hashed = [sha256_of(each) if isinstance(each, Path) else each for each in made_from]
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()


def take(folder: Path, identity: str, targets: Mapping[str, Path], say: Say) -> Metadata | None:
    """Copy the files of an outcome to their targets and return its metadata; None if there is none.

    Copies, because a hard link has its time stamp in common with all studies, and Snakemake goes by
    it. An entry that is broken or may not be read counts as none, and is reported.
    """
    path = folder / f"{identity}.json"
    if not path.exists():
        return None
    try:
        entry = _read(path)
        if not targets.keys() <= entry["files"].keys():
            return None
        for name, target in targets.items():
            _copy(folder / entry["files"][name], target)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        say(f"not copied from {folder}: {error}")
        return None
    say(f"copied from {folder}")
    return dict(entry["metadata"])


def put(
    folder: Path, identity: str, files: Mapping[str, Path], metadata: Metadata, say: Say
) -> None:
    """Store an outcome for other studies; a folder that cannot be written is reported, no error."""
    try:
        content = {"files": {name: _keep(file, folder) for name, file in files.items()}}
        content["metadata"] = metadata
        write_json(folder / f"{identity}.json", {**content, "sha256": identity_of(content)})
    except (OSError, InputError) as error:
        say(f"not stored in {folder} for other studies: {error}")


def _read(path: Path) -> Metadata:
    """Return an entry; ValueError when it is broken."""
    entry: Metadata = json.loads(path.read_bytes())
    if entry.pop("sha256", None) != identity_of(entry):
        raise ValueError(f"{path.name} is not what was written")
    return entry


def _copy(kept: Path, target: Path) -> None:
    with written_atomically(target) as temporary:
        shutil.copyfile(kept, temporary)
        if sha256_of(temporary) != kept.name:
            raise ValueError(f"{kept.name} is not what was written")


def _keep(file: Path, folder: Path) -> str:
    """Put a file into the folder under its SHA-256, which takes no space on the same disk."""
    name = sha256_of(file)
    with written_atomically(folder / name) as temporary:
        temporary.unlink(missing_ok=True)  # what a killed process leaves may link to a study's file
        try:
            os.link(file, temporary)
        except OSError:  # another disk, or one without hard links
            shutil.copyfile(file, temporary)
    return name
