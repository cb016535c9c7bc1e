"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from interlude import files
from interlude.errors import InputError
from interlude.files import (
    MANIFEST,
    check_files,
    check_folder,
    filling,
    sha256_of,
    with_table,
    write_json,
    written_atomically,
)


def write(target: Path, text: str) -> None:
    with written_atomically(target) as path:
        path.write_text(text, encoding="utf8")


def write_half(target: Path, error: type[BaseException]) -> None:
    with written_atomically(target) as path:
        path.write_text("half", encoding="utf8")
        raise error


def write_on_a_full_disk(target: Path) -> None:
    with written_atomically(target) as path:
        path.symlink_to("/dev/full")  # the kernel's own full disk
        path.write_text("new", encoding="utf8")


def test_a_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.txt"
    write(target, "content")
    assert target.read_text() == "content"
    assert list(target.parent.iterdir()) == [target]


def test_an_old_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write(target, "old")
    with written_atomically(target) as path:
        path.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_middle_leaves_the_old_file_and_no_other(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.txt"
    write(target, "old")
    with pytest.raises(error):
        write_half(target, error)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_before_the_first_byte_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="early"), written_atomically(tmp_path / "a.txt"):
        raise ValueError("early")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_message_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write(target, "old")
    with pytest.raises(InputError, match=r"a\.txt: cannot be written: no space left on the device"):
        write_on_a_full_disk(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_json_has_sorted_keys_and_keeps_letters_and_numbers(tmp_path: Path) -> None:
    document = {"b": [0.1, 1e-30, None, True], "a": "é🙂"}
    write_json(tmp_path / "a.json", document)
    text = (tmp_path / "a.json").read_text(encoding="utf8")
    assert json.loads(text) == document
    assert text.index('"a"') < text.index('"b"')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_json_cannot_hold_is_refused_before_a_file_is_touched(
    tmp_path: Path, value: Any
) -> None:
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", {"value": value})
    assert json.loads((tmp_path / "a.json").read_text()) == {"old": 1}
    assert len(list(tmp_path.iterdir())) == 1


# Places that cannot be written


ReadOnly = Callable[[Path], AbstractContextManager[None]]


def fill(folder: Path) -> None:
    with filling(folder) as work:
        (work / "a.txt").write_text("new")


@pytest.mark.parametrize("way", [write, lambda target, _: fill(target)], ids=["file", "folder"])
@pytest.mark.parametrize("below", ["taken/a.txt", "taken/b/a.txt"])
def test_a_file_in_the_way_of_a_folder_is_named_and_stays(
    way: Callable[[Path, str], None], below: str, tmp_path: Path
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    message = rf"^{taken}: cannot be written: a file is where a folder must be\. Move it away"
    with pytest.raises(InputError, match=message):
        way(tmp_path / below, "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_in_the_way_of_a_file_is_named_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(InputError, match=r"a\.txt: cannot be written: a folder is where this file"):
        write(tmp_path / "a.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_read_only_folder_is_one_message(tmp_path: Path, read_only: ReadOnly) -> None:
    (tmp_path / "results").mkdir()
    target = tmp_path / "results/a.txt"
    message = r"cannot be written: the file system is read-only"
    with read_only(target.parent):
        with pytest.raises(InputError, match=rf"a\.txt: {message}"):
            write(target, "new")
        with pytest.raises(InputError, match=rf"results/data: {message}"):
            fill(tmp_path / "results/data")
        with pytest.raises(InputError, match=rf"^{target.parent}: {message}"):
            check_folder(target.parent / "new", to_write=True)
        check_folder(target.parent / "new", to_write=False)
    check_folder(target.parent / "new", to_write=True)


# What a lost process has left


def test_what_a_lost_process_left_is_removed_and_what_another_writes_stays(tmp_path: Path) -> None:
    lost = subprocess.Popen([sys.executable, "-c", ""])
    lost.wait()
    with written_atomically(tmp_path / "a.txt") as mine:
        own = mine.name.removesuffix(str(os.getpid()))
        mine.touch()
    others = [f"{own}{lost.pid}", f"{own}{os.getppid()}", ".a.txt.elsewhere.1", ".b.txt.vm.1"]
    for name in others:
        (tmp_path / name).touch()
    write(tmp_path / "a.txt", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", *others[1:]}


def test_a_page_keeps_all_but_its_table() -> None:
    page = "a\n<!-- value -->\nold\n<!-- end -->\nb\n"
    assert with_table(page, "value", "new\n") == "a\n<!-- value -->\nnew\n<!-- end -->\nb\n"


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that its folder's manifest lists, old enough to be known once it was checked."""
    monkeypatch.setattr(files, "SETTLED_NS", -(10**18))
    path = tmp_path / "a.bin"
    path.write_bytes(b"as it was")
    write_json(tmp_path / MANIFEST, {"files": {path.name: sha256_of(path)}})
    check_files(tmp_path)
    return path


def test_a_file_that_was_checked_is_not_read_again(
    checked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("hashlib.file_digest")
    check_files(checked.parent)


def rewrite(path: Path) -> None:
    """Change contents alone: size and time of change are as before."""
    before = path.stat()
    path.write_bytes(b"as it is!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    rewritten = path.with_name("new")
    rewritten.write_bytes(path.read_bytes())
    os.utime(rewritten, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    rewrite(rewritten)
    rewritten.replace(path)


@pytest.mark.parametrize("change", [rewrite, replace])
def test_a_file_that_was_changed_after_it_was_checked_is_found(
    checked: Path, change: Callable[[Path], None]
) -> None:
    change(checked)
    with pytest.raises(InputError, match="broken or changed"):
        check_files(checked.parent)


def test_a_file_that_was_just_written_is_not_known(
    checked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # of how old a file has to be
    known = set(files.KNOWN)
    rewrite(checked)
    with pytest.raises(InputError, match="broken or changed"):
        check_files(checked.parent)
    assert set(files.KNOWN) == known
