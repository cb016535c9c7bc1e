"""The user's own copy of data that is licensed or on no hub: `<own_data>/<task>/<split>.jsonl`."""

from __future__ import annotations

from pathlib import Path

from interlude.data.fetch.places import below
from interlude.errors import InputError
from interlude.plan.tasks import OwnData, Task

ENDINGS = (".jsonl", ".parquet", ".csv")


def own_files(task: Task, own_data: Path | None) -> dict[str, Path]:
    """Return the files to read in the user's folder, by split; InputError says how to get them."""
    if own_data is None:
        raise InputError(f"{_needed(task)} Then name the folder above it in the config: own_data.")
    folder = below(own_data, _folder(task), f"{task.path}: key source.own.folder")
    paths = {split: _file(folder, task, split) for split in task.inputs()}
    for split, path in paths.items():
        if path is None:
            name = _own(task).files.get(split, f"{split}.jsonl")
            raise InputError(f"{_needed(task)} Missing: {folder / name}.")
    return {split: path for split, path in paths.items() if path is not None}


def _file(folder: Path, task: Task, split: str) -> Path | None:
    declared = _own(task).files.get(split)
    names = [declared] if declared else [f"{split}{ending}" for ending in ENDINGS]
    where = f"{task.path}: key source.own.files.{split}"
    paths = [below(folder, name, where) for name in names]
    return next((path for path in paths if path.is_file()), None)


def _own(task: Task) -> OwnData:
    assert task.source.own is not None  # noqa: S101  for the type checker
    return task.source.own


def _folder(task: Task) -> str:
    return _own(task).folder or task.name


def _needed(task: Task) -> str:
    return (
        f"{task.path}: {task.title} needs a copy of your own: {_own(task).obtain}. "
        f"Put it into a folder named {_folder(task)} (format: docs/add-a-task.md)."
    )
