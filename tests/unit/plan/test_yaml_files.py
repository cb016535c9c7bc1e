"""YAML files: nothing in one is lost without a word, and a fault is told with its line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from interlude.errors import InputError
from interlude.plan.yaml_files import check_config_file, read_yaml


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"study: [1, 2", r"not valid YAML: .*line 1"),
        (b"study: tiny\n  restarts: 3", r"not valid YAML: .*line 2"),
        (b"study: \xff\xfe", r"not valid YAML"),
        (b"a: 1\n\tb: 2", r"not valid YAML: line 2, column 1: .*tab|not valid YAML: .*line 2"),
        (b"a: 1\nb: 2026-13-01", r"not valid YAML: line 2, column 4: this is no timestamp"),
        (b"a: !!bool x", r"not valid YAML: line 1, column 4: this is no bool"),
        (b"a: 0x_", r"not valid YAML: line 1, column 4: this is no int"),
        (b"a: 1\n? [b]\n: 2", r"not valid YAML: line 2, column 3: .*unhashable key"),
        (b"a: 1\n\nb: M\xfcller", r"not valid YAML: line 3 is not UTF-8 text"),
        (b"a: " + b"[" * 500 + b"]" * 500, r"not valid YAML: nested too deep"),
        (b"a: " + b"[" * 100_000, r"not valid YAML: nested too deep"),
        (b"- " * 100_000, r"not valid YAML: nested too deep"),
        (b"a: 1\n---\nb: 2", r"not valid YAML: line 2, column 1: "),
        (b"a: \x00", r"not valid YAML: "),
    ],
)
def test_broken_yaml_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(path)) + ": " + message):
        read_yaml(path)


def test_missing_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml: no such file"):
        read_yaml(tmp_path / "gone.yaml")


def test_tagged_yaml_runs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("study: !!python/object/apply:os.getcwd []", encoding="utf8")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("labels: [a, b]\nform: x\nlabels: [b, a]", "key labels: found twice, in lines 1 and 3"),
        ("a:\n  b:\n  - c: 1\n    c: 1", "key a.b.0.c: found twice, in lines 3 and 4"),
        ("{a: 1, a: 2}", "key a: found twice, in line 1"),
        ("a: 1\n'a': 2", "key a: found twice, in lines 1 and 2"),
        ("yes: 1\ntrue: 2", "key true: found twice, in lines 1 and 2"),
        ("a: &x {b: 1}\nc: {<<: *x, <<: *x}", "key c.<<: found twice, in line 2"),
        ("a: {b: 1}\na: {c: 1, c: 2}", "key a: found twice, in lines 1 and 2"),
    ],
)
def test_a_key_that_is_there_twice_is_told_with_both_lines(
    text: str, found: str, tmp_path: Path
) -> None:
    path = written(tmp_path, text)
    for read in (read_yaml, check_config_file):
        with pytest.raises(InputError) as raised:
            read(path)
        assert str(raised.value) == f"{path}: {found}. Allowed: once."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("a: &x [1]\nb: *x\nc: *x", {"a": [1], "b": [1], "c": [1]}),
        ("a: {b: 1}\nc: {b: 1}\nb: 1", {"a": {"b": 1}, "c": {"b": 1}, "b": 1}),
        ("1: a\n'1': b", {1: "a", "1": "b"}),
        ("", None),
        ("\ufeffa: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
    ids=[
        "merged and changed",
        "aliases",
        "at several depths",
        "of two types",
        "empty",
        "BOM, CRLF",
    ],
)
def test_what_is_there_once_is_read(text: str, value: Any, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    assert read_yaml(path) == value
    check_config_file(path)


def test_a_config_may_be_json_with_tabs(tmp_path: Path) -> None:
    check_config_file(written(tmp_path, json.dumps({"study": {"a": [1]}}, indent="\t")))


def test_a_key_that_is_there_twice_in_json_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, '{\n\t"a": {"b": 1,\n\t"b": 2}\n}')
    with pytest.raises(InputError, match="key b: found twice in one mapping"):
        check_config_file(path)


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_yaml(tmp_path)


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf8", newline="")
    return path
