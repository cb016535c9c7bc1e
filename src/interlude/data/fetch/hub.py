"""Fetch files of data sets and models from the hub: a resolved commit, every file verified.

Only data is read: Parquet (of a script-only data set, its conversion in `refs/convert/parquet`),
JSONL, CSV, safetensors. No code of a repository is ever run. A private repository needs a token,
which the client finds by itself (HF_TOKEN) and which stays with it.
"""

from __future__ import annotations

import errno
import fnmatch
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import tenacity
from huggingface_hub import HfApi, errors, hf_hub_download
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils.sha import git_hash

from interlude.errors import InputError, did_you_mean
from interlude.files import sha256_of

LONGEST_WAIT = 60.0  # seconds to wait where the hub asks for a wait, at most
PATIENCE = 120.0  # seconds of one try, beside what a file of its size takes at the slowest speed
SLOWEST = 20_000  # bytes in a second
MIRROR = "a mirror can stand in for the hub."
NO_HUB = (
    "what answers is no hub, maybe a page to log in: check HF_ENDPOINT and the proxy (HTTPS_PROXY)."
)
# What no other try mends, in words of our own, since the client's messages hold addresses. The
# first that fits is said; the last are those of an answer that is no JSON, or has other keys.
LASTING: dict[type[Exception], str] = {
    errors.GatedRepoError: "it is gated: accept its terms on the hub, then set HF_TOKEN to your "
    "token.",
    errors.RepositoryNotFoundError: "no such repository, or a private one; that needs HF_TOKEN, a "
    "token.",
    errors.RevisionNotFoundError: "no such revision.",
    errors.RemoteEntryNotFoundError: "no such file.",
    errors.OfflineModeIsEnabled: "the hub is switched off (HF_HUB_OFFLINE).",
    errors.HFValidationError: "no name that a repository can have.",
    **dict.fromkeys((errors.FileMetadataError, ValueError, KeyError, TypeError), NO_HUB),
}

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


class _PassingError(Exception):
    """A fault that the client does not see. No OSError, which it would take for one of its own."""


def open_repository(kind: str, declared: dict[str, Any], where: str) -> Repository:
    """Resolve the revision of a `dataset` or `model` and list its files.

    declared: `id` and `revision` of a task or model file. where: its key, for messages.
    Raises InputError when the hub has no such thing, or cannot be reached.
    """
    where = f"{where}: {declared['id']} at {declared['revision']}"
    info = _persistently(lambda: _info(kind, declared, files_metadata=True), where, PATIENCE)
    files = {each.rfilename: each for each in info.siblings or [] if _is_inside(each.rfilename)}
    return Repository(kind, declared["id"], declared["revision"], str(info.sha), files, where)


def commit_of(kind: str, declared: dict[str, Any], seconds: float) -> str | None:
    """Return the commit that a revision stands for now; None where the hub does not say in time."""
    try:
        commit: str | None = _once(lambda: _info(kind, declared, expand=["sha"]).sha, seconds)
    except Exception:
        return None
    return commit


def fetch_file(repository: Repository, name: str) -> Path:
    """Return the local path of a file, from the client's cache or downloaded, and verified."""
    announced = repository.files[name]

    def download() -> Path:
        found = hf_hub_download(
            repository.id, name, repo_type=repository.kind, revision=repository.commit
        )
        return _verified(Path(found), announced)

    seconds = PATIENCE + (announced.size or 0) / SLOWEST
    return _persistently(download, f"{repository.where}: {name}", seconds)


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


def _info(kind: str, declared: dict[str, Any], **wanted: Any) -> Any:
    return HfApi().repo_info(
        declared["id"], revision=declared["revision"], repo_type=kind, **wanted
    )


def _is_inside(name: str) -> bool:
    """Tell whether a file name stays in its repository."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


def _files_of(split: str, declared: dict[str, Any], repository: Repository) -> list[str]:
    config, given = declared["config"], declared["files"].get(split)
    usual = [f"{config}/{split}-*.parquet", f"{config}/{split}/*.parquet"]
    usual += [f"data/{split}-*.parquet"] * (config == "default")
    patterns = [given] if given else usual
    for pattern in patterns:
        if found := sorted(fnmatch.filter(repository.files, pattern)):
            return found
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


def _verified(path: Path, announced: RepoSibling) -> Path:
    """Hold a file to the checksum that the hub announces; a wrong one leaves the cache.

    The client itself compares sizes alone. Its `verify_repo_checksums` reads all that its cache
    holds of a repository, not the file that was asked for.
    """
    if announced.lfs is not None:
        found, expected = sha256_of(path), announced.lfs.sha256
    else:
        found, expected = git_hash(path.read_bytes()), str(announced.blob_id)
    if found != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise _PassingError(f"wrong checksum: found {found}, expected {expected}.")
    return path


def _persistently(call: Callable[[], Result], where: str, seconds: float) -> Result:
    """Call, and again after a passing fault; InputError, without an address, for a lasting one."""
    try:
        return TRIES(lambda: _once(call, seconds))
    except Exception as error:
        raise InputError(f"{where}: {_explained(error)[0]}") from None


def _once(call: Callable[[], Result], seconds: float) -> Result:
    """Call, for so many seconds at most. For the main thread.

    The client's own limits are for the next bytes: none ends a trickle, nor a wait that is asked
    for, and its questions about a repository have none. It hides why it looked for a file in its
    cache, where there is none: that is raised.
    """

    def end(*_: object) -> None:
        raise _PassingError(f"no whole answer within {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return call()
    except errors.LocalEntryNotFoundError as error:
        raise (error.__cause__ or error) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _explained(error: BaseException) -> tuple[str, bool]:
    """Return why a try failed, and whether another may go better."""
    for kind, reason in LASTING.items():
        if isinstance(error, kind):
            return reason, False
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space left on the device. Free some and run again.", False
    if isinstance(error, errors.HfHubHTTPError):
        status, wait = error.response.status_code, _asked_to_wait(error)
        when = f"in {wait:g} seconds" if wait else "later"
        reason = f"the hub answered with status {status}. Run again {when}; {MIRROR}"
        return reason, (status >= 500 or status == 429) and wait <= LONGEST_WAIT
    if isinstance(error, _PassingError):
        return f"{error} Run again to try once more; {MIRROR}", True
    if "Consistency check failed" in str(error):
        return "the download ends too early. Run again to try once more.", True
    cause = type(error).__name__
    return f"the connection to the hub fails ({cause}); a mirror can stand in for it.", True


def _asked_to_wait(error: BaseException) -> float:
    """Return the seconds after which the hub wants to be asked again; 0 where it does not say."""
    if not isinstance(error, errors.HfHubHTTPError):
        return 0.0
    seconds = error.response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else 0.0


TRIES = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(Exception)
    & tenacity.retry_if_exception(lambda error: _explained(error)[1]),
    wait=tenacity.wait_exponential(exp_base=4)  # 1 and 4 seconds
    + tenacity.wait_exception(_asked_to_wait),
    stop=tenacity.stop_after_attempt(3),
    reraise=True,
)
