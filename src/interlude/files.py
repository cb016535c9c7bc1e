"""Write files whole or not at all, and recognise files that were changed since.

Also tables of Markdown pages, which are made by a command.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from interlude.errors import InputError

MANIFEST = "manifest.json"  # of a folder: its key `files` holds the SHA-256 of each file by name
WEIGHTS = "model.safetensors"  # of a model's folder

# SHA-256 of files by device, inode, size and times, as read by this process or, in a fork of the
# warm server, by a fork before it.
KNOWN: dict[tuple[int, ...], str] = {}
SETTLED_NS = 3 * 10**9  # no file system's clock is coarser than 2 s

_FULL = "no space left on the device. Free some space and run again."
_DENIED = "permission denied. Allow writing there, or work in another folder, and run again."
_FILE_IN_THE_WAY = "a file is where a folder must be. Move it away and run again."
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "the file system is read-only. Make it writable, or work in another folder, "
    "and run again.",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EEXIST: _FILE_IN_THE_WAY,
    errno.ENOTDIR: _FILE_IN_THE_WAY,
    errno.EISDIR: "a folder is where this file must be. Move it away and run again.",
}


@contextmanager
def written_atomically(target: Path) -> Iterator[Path]:
    """Give a temporary path in the target's folder; on success it is synced and takes its name.

    On an error the temporary file is removed and the target stays as it was. Raises InputError
    when the disk is full or the place cannot be written.
    """
    with _writing(target):
        _make_folder(target.parent)
        temporary = _temporary(target)
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yield an empty working folder whose files move into `folder` when the block succeeds.

    The manifest moves last: where it is, all files are. When the block fails, nothing is left.
    Other files of `folder` stay as they are. Raises InputError as `written_atomically`.
    """
    with _writing(folder):
        _make_folder(folder.parent)
        work = _temporary(folder)
        try:
            work.mkdir()
            yield work
            _move_files(work, folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def write_json(target: Path, document: Any) -> None:
    """Write a document as JSON with sorted keys; NaN is refused, since JSON has none."""
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    with written_atomically(target) as path:
        path.write_text(text + "\n", encoding="utf8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def known_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; it is read once, unless it has changed since.

    One that was written within the last seconds is read again: it may change once more without a
    change of its times.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())  # a network's file system asks anew for an open file
        times = (status.st_mtime_ns, status.st_ctime_ns)
        stamp = (status.st_dev, status.st_ino, status.st_size, *times)
        if stamp in KNOWN:
            return KNOWN[stamp]
        settled = max(times) < time.time_ns() - SETTLED_NS
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if settled:
        KNOWN[stamp] = digest
    return digest


def check_files(folder: Path, but: Collection[str] = ()) -> None:
    """Check the files of a folder against the SHA-256 in its manifest, all `but` those named.

    Raises InputError for a file that is missing, was cut or changed. A manifest that lists no
    files, as one written by hand, checks nothing.
    """
    for name, expected in read_manifest(folder).get("files", {}).items():
        path = folder / name
        if name in but:
            continue
        if not path.is_file():
            raise InputError(
                f"{path}: no such file, but {folder / MANIFEST} lists it. "
                f"Delete {folder} and run again."
            )
        if known_sha256(path) != expected:
            raise InputError(
                f"{path}: broken or changed: its SHA-256 is not the one in {folder / MANIFEST}. "
                f"Delete {path} and run again."
            )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder; InputError when it is missing or no JSON object."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file. Delete {folder} and run again.") from None
    except ValueError as error:
        raise InputError(f"{path}: not whole JSON ({error}). Delete it and run again.") from None
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: not a manifest. Delete it and run again.")
    return manifest


def check_folder(folder: Path, to_write: bool) -> None:
    """Raise InputError when a file is in a folder's way or, `to_write`, it takes no files.

    The folder may be missing as yet.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise _cannot_write(there, errno.ENOTDIR)
    if to_write and not os.access(there, os.W_OK | os.X_OK):
        read_only = os.statvfs(there).f_flag & os.ST_RDONLY
        raise _cannot_write(there, errno.EROFS if read_only else errno.EACCES)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Turn the errors of a place that cannot be written into one message."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        in_the_way = error.errno == errno.EEXIST  # as `_make_folder` finds it
        raise _cannot_write(error.filename if in_the_way else target, error.errno) from None


def _cannot_write(target: Path, number: int) -> InputError:
    return InputError(f"{target}: cannot be written: {_REASONS[number]}")


def _temporary(target: Path) -> Path:
    """Return a name beside the target that only this process uses.

    What a process that is no more has left under such a name is removed.
    """
    of_this_machine = f".{target.name}.{platform.node()}."
    for left in target.parent.glob(f"{escape(of_this_machine)}[0-9]*"):
        process = int(left.suffix[1:])
        if process == os.getpid() or not _is_alive(process):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return target.with_name(f"{of_this_machine}{os.getpid()}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they outlast a loss of power."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _move_files(work: Path, folder: Path) -> None:
    """Give each file its final name, after its bytes have reached the disk; the manifest last."""
    _make_folder(folder)
    for file in sorted(work.iterdir(), key=lambda file: (file.name == MANIFEST, file.name)):
        _sync(file)
        file.replace(folder / file.name)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as a Markdown page has it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_table(page: str, name: str, table: str) -> str:
    """Return the text of a page with a table between the lines `<!-- name -->`, `<!-- end -->`."""
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return place.sub(lambda found: f"{found[1]}{table}{found[2]}", page)
