"""Hashes of files are remembered, and never beyond a change."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from interlude.data.fetch import contents
from interlude.data.fetch.contents import Contents
from interlude.files import sha256_of

LONG_AGO = time.time() - 1000


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read, in their order."""
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(contents, "sha256_of", counted)
    return read


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a minute pass on the clock, so that files written by now are at rest."""

    def wait() -> None:
        now = time.time_ns() + 60 * 10**9
        monkeypatch.setattr(contents.time, "time_ns", lambda: now)

    return wait


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_is_read_once_by_all_processes(
    hashed: list[Path], later: Callable[[], None], tmp_path: Path
) -> None:
    file = write(tmp_path / "rows.csv", "a")
    later()
    first = Contents()
    assert first.sha256(file) == first.sha256(file) == sha256_of(file)
    first.save()
    assert Contents().sha256(file) == sha256_of(file)
    assert hashed == [file]


@pytest.mark.parametrize("change", ["content", "size", "mtime", "inode"])
def test_a_file_that_may_have_changed_is_read_again(
    change: str, hashed: list[Path], later: Callable[[], None], tmp_path: Path
) -> None:
    file = write(tmp_path / "rows.csv", "a")
    os.utime(file, (LONG_AGO, LONG_AGO))
    later()
    first = Contents()
    first.sha256(file)
    first.save()
    if change == "content":  # with the time stamp of before, as an archiver may set it
        write(file, "b")
        os.utime(file, (LONG_AGO, LONG_AGO))
    elif change == "size":
        write(file, "ab")
    elif change == "mtime":
        os.utime(file)
    else:
        write(tmp_path / "other", "b").replace(file)
    assert Contents().sha256(file) == first.sha256(file) == sha256_of(file)
    assert hashed == [file] * 3


def test_a_file_that_was_just_written_is_read_again_by_the_next_process(
    hashed: list[Path], tmp_path: Path
) -> None:
    """It may change once more within the same tick of the clock."""
    file = write(tmp_path / "rows.csv", "a")
    for _ in range(2):
        process = Contents()
        process.sha256(file)
        process.sha256(file)
        process.save()
    assert hashed == [file] * 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(
    later: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "rows.csv", "a")
    later()

    def disturbed(path: Path) -> str:
        found = sha256_of(path)
        write(path, "bb")
        return found

    first = Contents()
    with monkeypatch.context() as patch:
        patch.setattr(contents, "sha256_of", disturbed)
        first.sha256(file)
    first.save()
    assert Contents().sha256(file) == sha256_of(file)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"null", b'{"a": 1}', b'[["a", 1]]', b"\xff"])
def test_a_broken_cache_is_written_anew(
    broken: bytes, hashed: list[Path], later: Callable[[], None], tmp_path: Path
) -> None:
    file, cache = write(tmp_path / "rows.csv", "a"), tmp_path / "kept.json"
    cache.write_bytes(broken)
    later()
    first = Contents(cache)
    assert first.sha256(file) == sha256_of(file)
    first.save()
    assert Contents(cache).sha256(file) == sha256_of(file)
    assert hashed == [file]


def test_a_cache_that_cannot_be_written_is_none(later: Callable[[], None], tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", "a")
    later()
    process = Contents(write(tmp_path / "no-folder", "") / "kept.json")
    process.sha256(file)
    process.save()
    assert (tmp_path / "no-folder").read_text() == ""


def test_two_processes_keep_what_both_have_read(
    hashed: list[Path], later: Callable[[], None], tmp_path: Path
) -> None:
    files = [write(tmp_path / name, name) for name in "ab"]
    later()
    processes = [Contents(), Contents()]
    for process, file in zip(processes, files, strict=True):
        process.sha256(file)
    for process in processes:
        process.save()
    known = Contents()
    assert [known.sha256(file) for file in files] == [sha256_of(file) for file in files]
    assert hashed == files


def test_the_cache_does_not_grow_for_ever(
    later: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MOST", 2)
    later()
    for name in "abc":
        process = Contents(tmp_path / "kept.json")
        process.sha256(write(tmp_path / name, name))
        process.save()
    kept = [Path(place).name for place, _ in json.loads((tmp_path / "kept.json").read_text())]
    assert kept == ["b", "c"]


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Contents().sha256(tmp_path / "nowhere")
