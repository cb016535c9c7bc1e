"""A name that could leave a folder, a shell command or a page of HTML is refused by its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.data.fetch.archives import find_archive
from interlude.data.fetch.models import prepare_model
from interlude.errors import InputError
from interlude.plan.study import load_study
from interlude.plan.tasks import load_task

HOSTILE = (
    *("../x", "/etc/passwd", "a/b", "..", ".", "-rf", "", " ", "a b", "a\tb", "good\n", "a\nb"),
    *("$(touch x)", "`touch x`", "a;b", "a|b", "a&b", "a'b", 'a"b', "a\\b", "*", "~", "{a}", "%s"),
    *("<script>", "&lt;", "A", "_", "ä", "名", "a\u202eb", "a\0b", "a" * 65),
)
hostile = pytest.mark.parametrize("name", HOSTILE)
NO_YAML = r"not valid YAML: line \d+, column \d+: text must not hold the character 0$"  # "a\0b"


def refused_config(root: Path, key: str, **changes: Any) -> None:
    with pytest.raises(InputError, match=rf"^study.yaml: key {key}: found .*Allowed: .*lower case"):
        load_study(tiny.config(**changes), root, where="study.yaml")


@hostile
def test_as_the_name_of_a_study(name: str, tmp_path: Path) -> None:
    refused_config(tmp_path, "study", study=name)


@hostile
@pytest.mark.parametrize("kind", ["intermediate", "target", "probing"])
def test_as_the_name_of_a_task_in_a_config(kind: str, name: str, tmp_path: Path) -> None:
    refused_config(tmp_path, rf"{kind}\.0", **{kind: [name]})


@hostile
def test_as_the_name_of_a_model_in_a_config(name: str, tmp_path: Path) -> None:
    refused_config(tmp_path, r"encoder\.model", encoder={"model": name})


@hostile
def test_as_the_name_of_an_overridden_task(name: str, tmp_path: Path) -> None:
    refused_config(tmp_path, r"overrides\.target", overrides={"target": {name: {}}})


@hostile
def test_as_a_name_of_a_compared_study(name: str, tmp_path: Path) -> None:
    other = {"study": "other", "names": {"tiny-pair": name}}
    refused_config(tmp_path, r"compare\.names\.tiny-pair", compare=other)
    refused_config(tmp_path, r"compare\.study", compare={"study": name})


def refused_task(folder: Path, key: str, **changes: Any) -> None:
    path = tiny.write_yaml(folder / "tiny-single.yaml", tiny.task_file("single") | changes)
    with pytest.raises(InputError, match=f"^{path}: (key {key}: found .*Allowed: |{NO_YAML})"):
        load_task(path)


@hostile
def test_in_a_task_file(name: str, tmp_path: Path) -> None:
    refused_task(tmp_path, "name", name=name)
    refused_task(tmp_path, r"stands_in_for\.0", stands_in_for=[name])
    refused_task(tmp_path, r"source\.archive", source={"archive": name, "members": {"all": "a"}})


@hostile
def test_in_a_model_file(name: str, tmp_path: Path) -> None:
    about = {"title": "Mine", "licence": "none", "folder": str(tmp_path)}
    path = tiny.write_yaml(tmp_path / "mine.yaml", about | {"name": name})
    said = f"(key name: found .*Allowed: .*lower case|{NO_YAML})"
    with pytest.raises(InputError, match=f"^{path}: {said}"):
        prepare_model(path, tmp_path / "archives.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("key", ["package", "version", "file"])
@pytest.mark.parametrize("name", ["../x", "-rf", "-e .", "a b", "a;b", "good\n", "", "$(touch x)"])
def test_in_the_list_of_archives(name: str, key: str, tmp_path: Path) -> None:
    entry = {"package": "a", "version": "1", "file": "a.whl", "sha256": "0" * 64} | {key: name}
    path = tiny.write_yaml(tmp_path / "archives.yaml", {"mine": entry})
    with pytest.raises(InputError, match=rf"^{path}: key mine\.{key}: found"):
        find_archive("mine", path)


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(1, 2)", '=HYPERLINK("http://x")'])
def test_a_title_is_no_formula_of_a_spreadsheet(title: str, tmp_path: Path) -> None:
    refused_task(tmp_path, "title", title=title)


@pytest.mark.parametrize("title", ["", "two\nlines", "a\0b", "a\u202eb", "bell\a", "a" * 101])
def test_a_title_is_one_short_line(title: str, tmp_path: Path) -> None:
    refused_task(tmp_path, "title", title=title)
