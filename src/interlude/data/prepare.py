"""Prepare a task: fetch its files, read their rows, shape them, write them with a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from interlude.data.fetch.files import fetch_files
from interlude.data.fetch.mirror import note_missing_split
from interlude.data.fetch.origin import find_origin
from interlude.data.fetch.places import Places
from interlude.data.groups import write_groups
from interlude.data.made_from import code_of, data_made_from
from interlude.data.read.readers import Dropped, Rows
from interlude.data.read.rows import read_rows
from interlude.data.shape.normalise import normalise
from interlude.data.shape.together import kept_together
from interlude.data.shape.warn import warnings_of
from interlude.files import MANIFEST, filling, sha256_of
from interlude.plan.tasks import Task


def prepare(task: Task, places: Places, out: Path) -> dict[str, Any]:
    """Write `train.parquet`, `validation.parquet`, `groups.parquet` and `manifest.json` of a task.

    Returns the manifest. They go into the folder `out`. The same files give the same bytes. Raises
    InputError, and then writes nothing, when the files cannot be fetched or read, or a row breaks
    the form of the task.
    """
    if places.mirror:
        note_missing_split(task, places.mirror, places.slices)
    served, origin = find_origin(task, places)
    files = fetch_files(served, origin, places)
    code = code_of(task)
    rows, dropped = read_rows(served, files.names, files.contents)
    about = {
        "source": files.provenance,
        "revision": files.revision,
        "made_from": str(data_made_from(task, origin, files.hashes, code)),
    }
    return write_normalised(served, rows, dropped, about, out)


def write_normalised(
    task: Task, rows: dict[str, Rows], dropped: Dropped, about: dict[str, Any], out: Path
) -> dict[str, Any]:
    """Write the rows of a task, checked against its form, as `prepare` does; return the manifest.

    rows: by split. dropped: how many were left out before, by the reason. about: where the rows
    are from, for the manifest: source, revision and made_from.
    """
    normalised = normalise(task, rows)
    manifest = {
        "task": task.name,
        "licence": task.licence,
        **normalised.described(),
        "warnings": warnings_of(task, rows, normalised),
        "dropped": dict(dropped + normalised.dropped),
        **about,
    }
    with filling(out) as work:
        normalised.write(work)
        write_groups(work, kept_together(task, rows, normalised))
        manifest["files"] = {file.name: sha256_of(file) for file in sorted(work.iterdir())}
        (work / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf8")
    return manifest


def summary(manifest: dict[str, Any]) -> str:
    """Return one line for people: rows, labels, repeated inputs and dropped rows."""
    parts = [f"{count} rows in {part}" for part, count in manifest["sizes"].items()]
    if manifest["label_names"]:
        parts.append(f"{len(manifest['label_names'])} labels")
    parts += [f"validation inputs also in train: {manifest['overlap']}"] * bool(manifest["overlap"])
    parts += [f"{count} dropped ({reason})" for reason, count in manifest["dropped"].items()]
    return f"{manifest['task']}: {', '.join(parts)}"
