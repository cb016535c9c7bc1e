"""SHA-256 of local files, remembered so that a file is read again only when it may have changed.

As in git's index, a file counts as unchanged while its path, size, times and inode are the same. A
hash is kept for later processes only if the file was at rest when it was read: one that changes
within a tick of the file system's clock would keep its times.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from interlude.errors import InputError
from interlude.files import sha256_of, write_json

AT_REST = 2 * 10**9  # ns since the last change; the coarsest clock of a file system ticks each 2 s
MOST = 20_000  # files that are remembered; those hashed longest ago are forgotten first

Identity = list[int]


def cache_file() -> Path:
    """Return where hashes are remembered."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "interlude", "contents.json")


class Contents:
    """The hashes of files, of this process and of earlier ones."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or cache_file()
        self._known = _read(self._file)
        self._new: dict[str, tuple[Identity, str]] = {}  # of this process
        self._kept: set[str] = set()  # of these, those that later processes may use

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of a file as 64 hex digits; OSError when it cannot be read."""
        place = str(path.absolute())
        identity = _identity(path)
        for known in (self._new, self._known):
            if place in known and known[place][0] == identity:
                return known[place][1]
        started = time.time_ns()
        sha256 = sha256_of(path)
        self._new[place] = (identity, sha256)
        self._kept.discard(place)
        if _identity(path) == identity and _at_rest(identity, started):
            self._kept.add(place)
        return sha256

    def save(self) -> None:
        """Save the hashes for later processes; a cache that cannot be written is no error."""
        if not self._kept:
            return
        hashed = {place: self._new[place] for place in self._kept}
        others = {place: each for place, each in _read(self._file).items() if place not in hashed}
        try:
            write_json(self._file, list((others | hashed).items())[-MOST:])
        except (OSError, InputError):
            return
        self._kept.clear()


def _identity(path: Path) -> Identity:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def _at_rest(identity: Identity, now: int) -> bool:
    """Return whether no change since can have gone unseen; times may lie in the future."""
    return all(abs(now - changed) > AT_REST for changed in identity[1:3])


def _read(file: Path) -> dict[str, tuple[Identity, str]]:
    """Return place -> identity and hash; nothing from a cache that is missing or broken."""
    try:
        entries: Any = json.loads(file.read_bytes())
        return {
            str(place): ([int(each) for each in identity], str(sha256))
            for place, (identity, sha256) in entries
        }
    except (OSError, ValueError, TypeError):
        return {}
