"""The user's own copy of licensed data: where it is looked for, and what happens without it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.data.fetch.availability import why_unavailable
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.planner import plan_of
from interlude.plan.study import Study, load_study
from interlude.plan.tasks import Task

from .conftest import jsonl

SPLITS = {"train": "train", "validation": "validation"}
OWN = {"own": {"obtain": "the corpus, licensed by its publisher"}}
ROWS = [{"text": "a", "label": "no"}, {"text": "b", "label": "yes"}]


@pytest.fixture
def mine(task: Callable[..., Task]) -> Task:
    return task([], source=OWN, splits=SPLITS)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(Path("archives.yaml"), own_data=tmp_path / "own", normalised=tmp_path / "data")


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(jsonl(ROWS))


def test_the_copy_is_read_from_the_folder_of_the_task(
    mine: Task, places: Places, tmp_path: Path
) -> None:
    put(tmp_path / "own/mine", "train.jsonl", "validation.jsonl")
    prepare(mine, places, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["sizes"] == {"train": 2, "validation": 2}
    assert manifest["source"]["own"] == OWN["own"]["obtain"]
    assert manifest["source"]["files"]["train"]["name"] == "train.jsonl"


@pytest.mark.parametrize("name", ["../secrets", "/etc", "a/../../secrets", ".."])
def test_a_name_that_leads_out_of_the_folder_is_refused(
    name: str, task: Callable[..., Task], places: Places, tmp_path: Path
) -> None:
    put(tmp_path / "secrets", "train.jsonl", "validation.jsonl")
    for key, own in (("folder", {"folder": name}), ("files.train", {"files": {"train": name}})):
        source = {"own": OWN["own"] | own}
        with pytest.raises(
            InputError, match=rf"key source.own.{key}: found '{name}'.*Allowed: a p"
        ):
            prepare(task([], source=source, splits=SPLITS), places, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_the_folder_is_the_users(mine: Task, places: Places, tmp_path: Path) -> None:
    put(tmp_path / "corpora", "train.jsonl", "validation.jsonl")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine").symlink_to(tmp_path / "corpora")
    prepare(mine, places, tmp_path / "out")


def test_folder_and_files_can_have_names_of_their_own(
    task: Callable[..., Task], places: Places, tmp_path: Path
) -> None:
    own = OWN["own"] | {"folder": "corpus", "files": {"all": "all.txt"}}
    splits = {"train": "train", "validation": "test"}
    source = {"own": own, "inputs": ["all"], "reader": "senteval"}
    (tmp_path / "own/corpus").mkdir(parents=True)
    (tmp_path / "own/corpus/all.txt").write_text("tr\tno\ta\nte\tyes\tb\n")
    columns = {"text": "sentence", "label": "label"}
    prepare(task([], source=source, splits=splits, columns=columns), places, tmp_path / "out")
    assert (tmp_path / "out/train.parquet").exists()


@pytest.mark.parametrize(
    ("present", "message"),
    [
        ([], r"Put it into a folder named mine \(format: .*Missing: .*own/mine/train.jsonl"),
        (["train.jsonl"], "Missing: .*own/mine/validation.jsonl"),
    ],
)
def test_a_missing_copy_says_where_to_get_it_and_where_to_put_it(
    present: list[str], message: str, mine: Task, places: Places, tmp_path: Path
) -> None:
    put(tmp_path / "own/mine", *present)
    with pytest.raises(InputError, match=f"mine.yaml: Mine needs a copy.*licensed by.*{message}"):
        prepare(mine, places, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_the_key_own_data_the_message_names_it(mine: Task, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name the folder above it in the config: own_data"):
        prepare(mine, Places(Path("archives.yaml")), tmp_path / "out")


def test_a_task_is_available_with_a_copy_or_normalised(
    mine: Task, places: Places, tmp_path: Path
) -> None:
    assert "needs a copy of your own" in str(why_unavailable(mine, places))
    put(tmp_path / "own/mine", "train.jsonl", "validation.jsonl")
    assert why_unavailable(mine, places) is None
    assert why_unavailable(mine, Places(Path("a"), normalised=tmp_path / "data")) is not None
    put(tmp_path / "data/mine", "manifest.json")
    assert why_unavailable(mine, Places(Path("a"), normalised=tmp_path / "data")) is None


def test_only_tasks_that_need_a_copy_can_be_unavailable(
    task: Callable[..., Task], places: Places
) -> None:
    assert why_unavailable(task([]), places) is None


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    """A study in which the data of tiny-span and tiny-choice have to be the user's own."""

    def load(**changes: Any) -> Study:
        tiny.write_registry(tmp_path)
        for form in ("span", "choice"):
            document = tiny.task_file(form) | {"source": OWN, "splits": SPLITS}
            tiny.write_yaml(tmp_path / f"config/tasks/tiny-{form}.yaml", document)
        config = tiny.config(**changes)
        where_data_are = Places(tmp_path / "config/archives.yaml")
        return load_study(
            config, tmp_path, "study.yaml", lambda task, _: why_unavailable(task, where_data_are)
        )

    return load


def test_unavailable_tasks_are_planned_unless_they_may_be_skipped(
    study: Callable[..., Study],
) -> None:
    planned = study()
    assert planned.skipped == {}
    assert planned.tasks_of("target") == ["tiny-pair", "tiny-span"]


def test_skipped_tasks_are_in_no_run_and_have_their_reason(study: Callable[..., Study]) -> None:
    planned = study(skip_unavailable=True)
    assert set(planned.skipped) == {"tiny-span", "tiny-choice"}
    assert "licensed by its publisher" in planned.skipped["tiny-span"]
    named = {name for cell in plan_of(planned).cells for name in (cell.source, cell.task)}
    assert not named & set(planned.skipped)
    assert named == {"none", "tiny-single", "tiny-pair", "tiny-tagging"}


def test_what_a_study_says_of_its_tasks_names_no_file(study: Callable[..., Study]) -> None:
    scope = json.loads(study(skip_unavailable=True).options)
    assert {kind: list(tasks) for kind, tasks in scope["skipped"].items()} == {
        "intermediate": ["tiny-choice"],
        "target": ["tiny-span"],
        "probing": [],
    }
    reason = scope["skipped"]["target"]["tiny-span"]
    assert reason.startswith("Tiny span needs a copy of your own")
    assert scope["titles"]["tiny-span"] == "Tiny span"


def test_a_stand_in_is_told_with_the_title_of_what_it_stands_for(
    study: Callable[..., Study], tmp_path: Path
) -> None:
    study()
    path = tmp_path / "config/tasks/tiny-pair.yaml"
    tiny.write_yaml(path, tiny.task_file("pair") | {"stands_in_for": ["tiny-span"]})
    found = json.loads(load_study(tiny.config(target=["tiny-pair"]), tmp_path).options)
    assert found["stand_ins"] == {"tiny-pair": ["tiny-span"]}
    assert found["titles"]["tiny-span"] == "Tiny span"
    tiny.write_yaml(path, tiny.task_file("pair") | {"stands_in_for": ["tiny-spam"]})
    with pytest.raises(InputError, match=r"pair\.yaml: key stands_in_for: .* Did you mean"):
        load_study(tiny.config(), tmp_path)
