"""Where the data of tasks may be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

from interlude.errors import InputError
from interlude.plan.config import Config


@dataclass(frozen=True)
class Places:
    """Where data may be, besides the origins that task files name.

    registry: `config/archives.yaml`. archive_file: an already downloaded archive. mirror: a folder
    with a manifest. slices: `config/mirrors/partial.yaml`. own_data: the user's own copies.
    normalised: where prepared tasks lie, one folder for each.
    """

    registry: Path
    archive_file: Path | None = None
    mirror: Path | None = None
    slices: Path = Path("config/mirrors/partial.yaml")
    own_data: Path | None = None
    normalised: Path = Path("results/data")


def places_of(config: Config, root: Path) -> Places:
    """Return where a study's config says that data may be; root: the project's folder."""
    return Places(
        registry=root / "config/archives.yaml",
        mirror=None if config.mirror is None else Path(config.mirror),
        slices=root / "config/mirrors/partial.yaml",
        own_data=None if config.own_data is None else Path(config.own_data),
    )


def below(folder: Path, name: str, where: str) -> Path:
    """Return the path of a name below a folder; InputError for one that leads out of it.

    A symbolic link in the folder may lead anywhere: whoever owns the folder has put it there.
    """
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise InputError(f"{where}: found {name!r}. Allowed: a path below {folder}, without '..'.")
    return folder / name
