"""Fetch files of data sets and models from the hub: a resolved commit, every file verified.

Only data is read: Parquet (of a script-only data set, its conversion in `refs/convert/parquet`),
JSONL, CSV, safetensors. No code of a repository is ever run. A private repository needs a token,
which the client finds by itself (HF_TOKEN) and which stays with it.
"""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import DatasetInfo, ModelInfo, RepoSibling
from huggingface_hub.utils.sha import git_hash

from interlude.errors import InputError, did_you_mean
from interlude.files import sha256_of

PARQUET = ("{config}/{split}-*.parquet", "{config}/{split}/*.parquet")
PARQUET_OF_DEFAULT = ("data/{split}-*.parquet",)
WAITS = (1.0, 4.0)  # seconds before the second and the third try
LONGEST_WAIT = 60.0  # seconds to wait where the hub asks for a wait, at most
PATIENCE = 120.0  # seconds of one try, beside what a file of its size takes at the slowest speed
SLOWEST = 20_000  # bytes in a second

# The base of all errors of the client's transport library, which differs between its versions.
TransportError: type[Exception] = HfHubHTTPError.__mro__[1]

Result = TypeVar("Result")


@dataclass(frozen=True)
class Repository:
    """A repository at the commit that its revision stands for, with its files by name."""

    kind: str
    id: str
    revision: str
    commit: str
    files: dict[str, RepoSibling]
    where: str

    @property
    def origin(self) -> dict[str, str]:
        """What to put on record."""
        return {"id": self.id, "revision": self.revision, "commit": self.commit}


@dataclass(frozen=True)
class Fetched:
    """The files of a data set by split: name of the first one, and their content as one file."""

    names: dict[str, str]
    contents: dict[str, bytes]
    origin: dict[str, str]


class _CorruptError(Exception):
    """A downloaded file that is not the one that the hub announced."""


class _NoHubError(Exception):
    """An answer that is not a hub's."""


class _TooSlowError(Exception):
    """A try that took too long. No OSError, which the client would take for a passing fault."""


FAULTS = (
    TransportError,
    OSError,
    HFValidationError,
    _CorruptError,
    _NoHubError,
    _TooSlowError,
)


def open_repository(kind: str, declared: dict[str, Any], where: str) -> Repository:
    """Resolve the revision of a `dataset` or `model` and list its files.

    declared: `id` and `revision` of a task or model file. where: its key, for messages.
    Raises InputError when the hub has no such thing, or cannot be reached.
    """
    name, revision = declared["id"], declared["revision"]
    where = f"{where}: {name} at {revision}"
    info = _persistently(lambda: _info(kind, name, revision), where)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    files = {name: sibling for name, sibling in siblings.items() if _is_inside(name)}
    return Repository(kind, name, revision, str(info.sha), files, where)


def commit_of(kind: str, declared: dict[str, Any], seconds: float) -> str | None:
    """Return the commit that a revision stands for now; None where the hub does not say in time."""
    ask = HfApi().dataset_info if kind == "dataset" else HfApi().model_info
    try:
        with _at_most(seconds):
            return ask(declared["id"], revision=declared["revision"], expand=["sha"]).sha
    except (*FAULTS, ValueError, KeyError, TypeError):
        return None


def _is_inside(name: str) -> bool:
    """Tell whether a file name stays in its repository."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


def _info(kind: str, name: str, revision: str) -> DatasetInfo | ModelInfo:
    ask = HfApi().dataset_info if kind == "dataset" else HfApi().model_info
    try:
        return ask(name, revision=revision, files_metadata=True)
    except HFValidationError:
        raise
    except (ValueError, KeyError, TypeError):
        raise _NoHubError from None


def fetch_file(repository: Repository, name: str) -> Path:
    """Return the local path of a file, from the client's cache or downloaded, and verified."""

    def download() -> Path:
        path = hf_hub_download(
            repository.id, name, repo_type=repository.kind, revision=repository.commit
        )
        _verify(Path(path), repository.files[name])
        return Path(path)

    seconds = PATIENCE + (repository.files[name].size or 0) / SLOWEST
    return _persistently(download, f"{repository.where}: {name}", seconds)


def fetch_dataset(declared: dict[str, Any], splits: list[str], where: str) -> Fetched:
    """Return the content of the named splits of a data set's config.

    declared: `id`, `config`, `revision` and, where the layout is unusual, `files` (patterns).
    Raises InputError for a missing config or split, beside all that `open_repository` does.
    """
    repository = open_repository("dataset", declared, where)
    names = {split: _files_of(split, declared, repository) for split in splits}
    paths = {split: [fetch_file(repository, name) for name in names[split]] for split in splits}
    return Fetched(
        {split: names[split][0] for split in splits},
        {split: _joined(paths[split], repository) for split in splits},
        repository.origin | {"config": declared["config"]},
    )


def _files_of(split: str, declared: dict[str, Any], repository: Repository) -> list[str]:
    config = declared["config"]
    usual = PARQUET + (PARQUET_OF_DEFAULT if config == "default" else ())
    given = declared["files"].get(split)
    patterns = (given,) if given else tuple(p.format(config=config, split=split) for p in usual)
    for pattern in patterns:
        found = sorted(name for name in repository.files if fnmatch(name, pattern))
        if found:
            return found
    raise InputError(
        f"{repository.where}: no file {' or '.join(patterns)}. {_what_there_is(config, repository)}"
    )


def _what_there_is(config: str, repository: Repository) -> str:
    parquet = [name for name in repository.files if name.endswith(".parquet")]
    if not parquet and any(name.endswith(".py") for name in repository.files):
        return "It has a loading script, which is never run: set revision: refs/convert/parquet."
    folders = sorted({name.partition("/")[0] for name in parquet if "/" in name})
    return f"Configs found: {', '.join(folders) or 'none'}.{did_you_mean(config, folders)}"


def _joined(paths: list[Path], repository: Repository) -> bytes:
    """Return the content of a file, or of several Parquet files as one."""
    if len(paths) == 1:
        return paths[0].read_bytes()
    if any(path.suffix != ".parquet" for path in paths):
        raise InputError(
            f"{repository.where}: found {len(paths)} files for one split, such as "
            f"{paths[0].name}. Allowed: one, or several Parquet files."
        )
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.concat_tables(pq.read_table(path) for path in paths), buffer)
    return bytes(buffer.getvalue())


def _verify(path: Path, announced: RepoSibling) -> None:
    """Hold a file to the checksum that the hub announces; a wrong one leaves the cache."""
    if announced.lfs is not None:
        found, expected = sha256_of(path), announced.lfs.sha256
    else:
        found, expected = git_hash(path.read_bytes()), str(announced.blob_id)
    if found != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise _CorruptError(f"wrong checksum: found {found}, expected {expected}.")


def _persistently(call: Callable[[], Result], where: str, seconds: float | None = None) -> Result:
    """Call, and again after a passing fault; InputError, without an address, for a lasting one.

    seconds: how long each try may take.
    """
    for wait in (*WAITS, None):
        try:
            with _at_most(seconds or PATIENCE):
                return call()
        except FAULTS as raised:
            error = _cause(raised)
            if wait is None or not _may_pass(error):
                raise InputError(f"{where}: {_reason(error)}") from None
            time.sleep(max(wait, _asked_to_wait(error)))
    raise AssertionError("the last wait is None")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise _TooSlowError in the block after so many seconds. For the main thread.

    The client's own limits are for the next bytes: none ends a trickle, nor a wait that is asked
    for, and its questions about a repository have none.
    """

    def end(*_: object) -> None:
        raise _TooSlowError(f"no whole answer within {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _cause(error: Exception) -> Exception:
    """Return what the client hides: why it looked for a file in its cache, where there is none."""
    hidden = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else None
    return hidden if isinstance(hidden, Exception) else error


def _may_pass(error: Exception) -> bool:
    if isinstance(error, HfHubHTTPError):
        passing = error.response.status_code >= 500 or error.response.status_code == 429
        return passing and _asked_to_wait(error) <= LONGEST_WAIT
    lasting = (OfflineModeIsEnabled, HFValidationError, FileMetadataError, _NoHubError)
    return not (isinstance(error, lasting) or _is_disk_full(error))


def _asked_to_wait(error: Exception) -> float:
    """Return the seconds after which the hub wants to be asked again; 0 where it does not say."""
    if not isinstance(error, HfHubHTTPError):
        return 0.0
    told = error.response.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else 0.0


def _is_disk_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


NO_HUB = (
    "what answers is no hub, maybe a page to log in: check HF_ENDPOINT and the proxy (HTTPS_PROXY)."
)
# In words of our own, since the client's messages hold addresses. The first that fits is said.
REASONS: dict[type[Exception], str] = {
    GatedRepoError: "it is gated: accept its terms on the hub, then set HF_TOKEN to your token.",
    RepositoryNotFoundError: "no such repository, or a private one; that needs HF_TOKEN, a token.",
    RevisionNotFoundError: "no such revision.",
    RemoteEntryNotFoundError: "no such file.",
    OfflineModeIsEnabled: "the hub is switched off (HF_HUB_OFFLINE).",
    HFValidationError: "no name that a repository can have.",
    FileMetadataError: NO_HUB,
    _NoHubError: NO_HUB,
}


def _reason(error: Exception) -> str:
    for kind, reason in REASONS.items():
        if isinstance(error, kind):
            return reason
    if isinstance(error, HfHubHTTPError):
        return _status(error)
    if isinstance(error, (_CorruptError, _TooSlowError)):
        return f"{error} Run again to try once more; a mirror can stand in for the hub."
    if _is_disk_full(error):
        return "no space left on the device. Free some and run again."
    if "Consistency check failed" in str(error):
        return "the download ends too early. Run again to try once more."
    return (
        f"the connection to the hub fails ({type(error).__name__}); a mirror can stand in for it."
    )


def _status(error: HfHubHTTPError) -> str:
    wait = _asked_to_wait(error)
    when = f"in {wait:g} seconds" if wait else "later"
    return (
        f"the hub answered with status {error.response.status_code}. "
        f"Run again {when}; a mirror can stand in for the hub."
    )
