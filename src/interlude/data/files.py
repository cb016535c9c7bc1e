"""Names of files that others wrote, held to the folder that they belong to."""

from __future__ import annotations

from pathlib import Path

from interlude.errors import InputError


def below(folder: Path, name: str, where: str) -> Path:
    """Return the path of a name in a folder; InputError when it leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{where}: found {name!r}. Allowed: a path below {folder}.")
    return path
