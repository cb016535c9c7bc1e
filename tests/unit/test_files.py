"""Files that are written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlude.errors import InputError
from interlude.files import write_json, written_atomically


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
