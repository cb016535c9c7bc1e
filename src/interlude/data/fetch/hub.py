"""Fetch files of data sets and models from the hub: a resolved commit, every file verified.

Only data is read: Parquet (of a script-only data set, its conversion in `refs/convert/parquet`),
JSONL, CSV, safetensors. No code of a repository is ever run. A private repository needs a token,
which the client finds by itself (HF_TOKEN) and which stays with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils.sha import git_hash

from interlude.data.fetch.hub_tries import PassingError, once, persistently
from interlude.files import sha256_of

PATIENCE = 120.0  # seconds of one try, beside what a file of its size takes at the slowest speed
SLOWEST = 20_000  # bytes in a second


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


def open_repository(kind: str, declared: dict[str, Any], where: str) -> Repository:
    """Resolve the revision of a `dataset` or `model` and list its files.

    declared: `id` and `revision` of a task or model file. where: its key, for messages.
    Raises InputError when the hub has no such repository or revision, or cannot be reached.
    """
    where = f"{where}: {declared['id']} at {declared['revision']}"
    info = persistently(lambda: _info(kind, declared, files_metadata=True), where, PATIENCE)
    files = {each.rfilename: each for each in info.siblings or [] if _is_inside(each.rfilename)}
    return Repository(kind, declared["id"], declared["revision"], str(info.sha), files, where)


def commit_of(kind: str, declared: dict[str, Any], seconds: float) -> str | None:
    """Return the commit that a revision stands for now; None where the hub does not say in time."""
    try:
        commit: str | None = once(lambda: _info(kind, declared, expand=["sha"]).sha, seconds)
    except Exception:
        return None
    return commit


def fetch_file(repository: Repository, name: str) -> Path:
    """Return the local path of a file, from the client's cache or downloaded, and verified."""
    announced = repository.files[name]

    def download() -> Path:
        path = hf_hub_download(
            repository.id, name, repo_type=repository.kind, revision=repository.commit
        )
        return _verified(Path(path), announced)

    seconds = PATIENCE + (announced.size or 0) / SLOWEST
    return persistently(download, f"{repository.where}: {name}", seconds)


def _info(kind: str, declared: dict[str, Any], **wanted: Any) -> Any:
    return HfApi().repo_info(
        declared["id"], revision=declared["revision"], repo_type=kind, **wanted
    )


def _is_inside(name: str) -> bool:
    """Return whether a file name stays in its repository."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


def _verified(path: Path, announced: RepoSibling) -> Path:
    """Check a file against the checksum that the hub announces; delete a wrong one from the cache.

    The client itself compares only sizes. Its `verify_repo_checksums` reads all files of a
    repository in its cache, not only the one that was asked for.
    """
    if announced.lfs is not None:
        actual, expected = sha256_of(path), announced.lfs.sha256
    else:
        actual, expected = git_hash(path.read_bytes()), str(announced.blob_id)
    if actual != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise PassingError(f"wrong checksum: found {actual}, expected {expected}.")
    return path
