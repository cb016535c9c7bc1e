"""The files of a data set on the hub, by the splits of one of its configs."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from interlude.data.fetch.hub import Repository, fetch_file, open_repository
from interlude.errors import InputError, did_you_mean


def fetch_dataset(
    declared: dict[str, Any], splits: list[str], where: str
) -> tuple[dict[str, str], dict[str, bytes], dict[str, str]]:
    """Return the first file's name and the content of each split of a data set, and its origin.

    declared: `id`, `config`, `revision` and, where the layout is unusual, `files` (patterns).
    Raises InputError for a missing config or split, beside all that `open_repository` does.
    """
    repository = open_repository("dataset", declared, where)
    names = {split: _files_of(split, declared, repository) for split in splits}
    paths = {split: [fetch_file(repository, each) for each in names[split]] for split in splits}
    contents = {split: _joined(paths[split], repository.where) for split in splits}
    origin = repository.origin | {"config": declared["config"]}
    return {split: names[split][0] for split in splits}, contents, origin


def _files_of(split: str, declared: dict[str, Any], repository: Repository) -> list[str]:
    config, declared_pattern = declared["config"], declared["files"].get(split)
    usual = [f"{config}/{split}-*.parquet", f"{config}/{split}/*.parquet"]
    usual += [f"data/{split}-*.parquet"] * (config == "default")
    patterns = [declared_pattern] if declared_pattern else usual
    for pattern in patterns:
        if names := sorted(fnmatch.filter(repository.files, pattern)):
            return names
    raise InputError(
        f"{repository.where}: no file {' or '.join(patterns)}. {_what_there_is(config, repository)}"
    )


def _what_there_is(config: str, repository: Repository) -> str:
    parquet = fnmatch.filter(repository.files, "*.parquet")
    if not parquet and fnmatch.filter(repository.files, "*.py"):
        return "It has a loading script, which is never run: set revision: refs/convert/parquet."
    folders = sorted({name.partition("/")[0] for name in parquet if "/" in name})
    return f"Configs found: {', '.join(folders) or 'none'}.{did_you_mean(config, folders)}"


def _joined(paths: list[Path], where: str) -> bytes:
    """Return the content of a file, or of several Parquet files as one."""
    if len(paths) == 1:
        return paths[0].read_bytes()
    try:
        table = pa.concat_tables(map(pq.read_table, paths))
    except pa.ArrowInvalid:
        raise InputError(
            f"{where}: found {len(paths)} files for one split, such as {paths[0].name}. "
            "Allowed: one, or several Parquet files with the same columns."
        ) from None
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    return bytes(buffer.getvalue())
