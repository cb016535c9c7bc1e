"""What a study's data and model are to be made from, and what is stale: a test per origin."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import yaml
from safetensors.numpy import save_file

from interlude.data import origins
from interlude.data.fetch import mirror
from interlude.data.fetch.models import prepare_model
from interlude.data.fetch.places import Places
from interlude.data.origins import Origins, find_origins
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task, load_task

from .conftest import jsonl, wheel

PARTS = {"train": "train", "validation": "validation"}
MANIFEST = "results/data/mine/manifest.json"
MODEL = "results/models/mine/manifest.json"
ANEW = "results/data/mine: made anew: "


def rows(count: int = 4) -> list[dict[str, str]]:
    return [{"text": f"text {i}", "label": "yes" if i % 2 else "no"} for i in range(count)]


class Desk:
    """A working folder with one task or model, and what a study says of it at each start."""

    def __init__(self, task: Task | None, places: Places) -> None:
        self.task = task
        self.places = places
        self.model = {"mine": Path("mine-model.yaml")} if task is None else {}

    def make(self) -> None:
        """Prepare the task or the model, as a rule does, or a user by hand."""
        if self.task is None:
            prepare_model(self.model["mine"], self.places.registry, Path("results/models/mine"))
        else:
            prepare(self.task, self.places, Path("results/data/mine"))

    def today(self) -> Origins:
        tasks = {} if self.task is None else {"mine": load_task(self.task.path)}
        return find_origins(tasks, self.model, self.places)

    def look(self, ask: bool = False) -> tuple[set[str], list[str]]:
        """Return what is made anew today, and what is said of it."""
        forced: set[str] = set()
        said: list[str] = []
        today = self.today()
        for file in (MANIFEST, MODEL, MANIFEST):
            today.look_at(file, forced, ask, said.append)
        return forced, said

    def wanted(self) -> str:
        today = self.today()
        return today.of_model("mine") if self.task is None else today.of_task("mine")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def by_files(task: Callable[..., Task]) -> Desk:
    Path("mine.jsonl").write_bytes(jsonl(rows()))
    source = {"files": {"all": "mine.jsonl"}}
    return Desk(task([], source=source), Places(Path("archives.yaml")))


@pytest.fixture
def by_own(task: Callable[..., Task]) -> Desk:
    Path("own/mine").mkdir(parents=True)
    for part in PARTS:
        Path(f"own/mine/{part}.jsonl").write_bytes(jsonl(rows()))
    source = {"own": {"obtain": "here"}}
    places = Places(Path("archives.yaml"), own_data=Path("own"))
    return Desk(task([], source=source, splits=PARTS), places)


def write_mirror(count: int = 4) -> None:
    entries = []
    for part in PARTS:
        file = Path(f"mirror/things/{part}.jsonl")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jsonl(rows(count)))
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        entry = {"dataset": "things", "split": part, "file": f"things/{part}.jsonl"}
        entries.append(entry | {"sha256": sha256})
    Path("mirror/MANIFEST.json").write_text(json.dumps({"files": entries}))
    find_mirrored_anew()


def find_mirrored_anew() -> None:
    """Forget the manifest of the mirror, as another process would not know it."""
    mirror._entries.cache_clear()


@pytest.fixture
def by_mirror(task: Callable[..., Task]) -> Desk:
    write_mirror()
    Path("partial.yaml").write_text("{}")
    source = {"own": {"obtain": "here"}, "mirror": "things"}
    places = Places(Path("archives.yaml"), mirror=Path("mirror"), slices=Path("partial.yaml"))
    return Desk(task([], source=source, splits=PARTS), places)


@pytest.fixture
def by_archive(task: Callable[..., Task], index: Callable[[bytes], None], registry: Any) -> Desk:
    content = wheel({"rows.jsonl": jsonl(rows())})
    index(content)
    source = {"archive": "tiny", "members": {"all": "rows.jsonl"}}
    return Desk(task([], source=source), Places(registry(content)))


@pytest.fixture
def by_folder() -> Desk:
    """A model in a folder."""
    Path("encoder").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        Path("encoder", name).write_bytes(b"{}")
    about = {"name": "mine", "title": "Mine", "licence": "none", "folder": "encoder"}
    Path("mine-model.yaml").write_text(yaml.safe_dump(about))
    return Desk(None, Places(Path("archives.yaml")))


@pytest.fixture(params=["by_files", "by_own", "by_mirror", "by_archive", "by_folder"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """A desk of each origin in turn; what it has is made."""
    each: Desk = request.getfixturevalue(request.param)
    each.make()
    return each


def change(desk: Desk, registry: Callable[..., Path]) -> None:
    """Change what is at the origin."""
    if Path("mirror").exists():
        write_mirror(6)
    elif Path("own").exists():
        Path("own/mine/train.jsonl").write_bytes(jsonl(rows(6)))
    elif Path("encoder").exists():
        Path("encoder/tokenizer.json").write_bytes(b"[]")
    elif Path("mine.jsonl").exists():
        Path("mine.jsonl").write_bytes(jsonl(rows(6)))
    else:
        registry(b"another wheel")


def test_what_was_just_made_is_current(desk: Desk) -> None:
    assert desk.look() == (set(), [])
    file = MANIFEST if desk.task else MODEL
    assert json.loads(Path(file).read_text())["made_from"] == desk.wanted()


def test_touched_files_change_nothing(desk: Desk, tmp_path: Path) -> None:
    for path in tmp_path.rglob("*"):
        path.touch()
    assert desk.look() == (set(), [])


def test_what_changed_at_the_origin_is_made_anew(desk: Desk, registry: Callable[..., Path]) -> None:
    before = desk.wanted()
    change(desk, registry)
    file = MANIFEST if desk.task else MODEL
    folder = str(Path(file).parent)
    assert desk.look() == ({file}, [f"{folder}: made anew: its origin has changed."])
    assert desk.wanted() != before


def test_data_that_are_deleted_are_as_wanted_as_before(desk: Desk) -> None:
    before = desk.wanted()
    shutil.rmtree("results")
    assert desk.wanted() == before
    assert desk.look() == (set(), [])


@pytest.mark.parametrize("name", ["by_files", "by_own", "by_mirror", "by_folder"])
def test_what_was_made_stays_when_its_origin_is_gone(
    name: str, request: pytest.FixtureRequest
) -> None:
    desk: Desk = request.getfixturevalue(name)
    desk.make()
    before = desk.wanted()
    desk.today().remember()
    for origin in ("mine.jsonl", "own", "mirror", "encoder"):
        shutil.move(origin, f"{origin}.away") if Path(origin).exists() else None
    find_mirrored_anew()
    assert desk.wanted() == before
    assert desk.look() == (set(), [])
    for made in ("results/data", "results/models"):
        shutil.rmtree(made, ignore_errors=True)
    assert desk.wanted() == before
    Path("results/origins.json").unlink()
    assert desk.wanted() == origins.UNKNOWN


def test_an_edited_task_whose_origin_is_gone_is_made_anew_and_says_why_it_cannot(
    by_own: Desk,
) -> None:
    by_own.make()
    shutil.rmtree("own")
    edit(by_own, split_by="label")
    assert by_own.look() == ({MANIFEST}, [f"{ANEW}its declaration has changed."])
    with pytest.raises(InputError, match="needs a copy of your own"):
        prepare(load_task(by_own.task.path), by_own.places, Path("results/data/mine"))  # type: ignore[union-attr]


def edit(desk: Desk, **changes: Any) -> None:
    assert desk.task is not None
    document = yaml.safe_load(desk.task.path.read_text())
    desk.task.path.write_text(yaml.safe_dump(document | changes))


def test_words_of_a_task_change_nothing(by_files: Desk) -> None:
    by_files.make()
    edit(by_files, title="Other", description="Words.", citation="you", published={"train": 3})
    assert by_files.look() == (set(), [])


def test_words_of_a_model_change_nothing(by_folder: Desk) -> None:
    by_folder.make()
    declared = yaml.safe_load(Path("mine-model.yaml").read_text())
    Path("encoder").rename("elsewhere")
    changed = declared | {"title": "Other", "licence": "mine", "folder": "elsewhere"}
    Path("mine-model.yaml").write_text(yaml.safe_dump(changed))
    assert by_folder.look() == (set(), [])


def test_other_reading_code_makes_data_anew_and_no_model(
    by_files: Desk, by_folder: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_files.make()
    by_folder.make()
    monkeypatch.setattr(origins, "code_of", lambda _: "c0de")
    assert by_files.look() == ({MANIFEST}, [f"{ANEW}the code that reads it has changed."])
    assert by_folder.look() == (set(), [])


@pytest.mark.parametrize("manifest", ["{}", "{", '{"made_from": 3}', '{"label_names": []}'])
def test_data_that_do_not_tell_what_they_were_made_from_are_made_anew(
    manifest: str, by_files: Desk
) -> None:
    by_files.make()
    Path(MANIFEST).write_text(manifest)
    said = f"{ANEW}its manifest does not say what it was made from."
    assert by_files.look() == ({MANIFEST}, [said])
    Path("mine.jsonl").unlink()
    assert by_files.look() == (set(), [])  # all there is


def test_a_re_cut_mirror_makes_data_anew(by_mirror: Desk) -> None:
    by_mirror.make()
    cut = {"train": "validation[:50%]", "validation": "validation[50%:]"}
    Path("partial.yaml").write_text(yaml.safe_dump({"mine": {"splits": cut}}))
    assert by_mirror.look() == ({MANIFEST}, [f"{ANEW}its origin has changed."])


def test_data_stay_when_a_mirror_comes_and_are_made_from_it_once_they_are_deleted(
    by_own: Desk,
) -> None:
    edit(by_own, source={"own": {"obtain": "here"}, "mirror": "things"})
    assert by_own.task is not None
    by_own.task = load_task(by_own.task.path)
    by_own.make()
    before = by_own.wanted()
    write_mirror(8)
    by_own.places = replace(by_own.places, mirror=Path("mirror"), slices=Path("none.yaml"))
    assert by_own.look() == (set(), [])
    assert by_own.wanted() == before
    shutil.rmtree("results")
    assert by_own.wanted().startswith("mirror-")
    by_own.make()
    assert by_own.look() == (set(), [])


def test_a_mirror_that_is_none_leaves_what_is_made(by_own: Desk) -> None:
    by_own.make()
    by_own.places = replace(by_own.places, mirror=Path("nowhere"))
    assert by_own.look() == (set(), [])
    shutil.rmtree("results")
    assert by_own.wanted() == origins.UNKNOWN


def test_the_ending_of_a_file_counts(by_own: Desk) -> None:
    """It tells how the file is read."""
    by_own.make()
    Path("own/mine/train.jsonl").rename("own/mine/train.csv")
    assert by_own.look()[0] == {MANIFEST}


def test_what_is_accepted_is_current(by_files: Desk) -> None:
    by_files.make()
    Path("mine.jsonl").write_bytes(jsonl(rows(6)))
    by_files.today().accept()
    assert by_files.look() == (set(), [])
    assert json.loads(Path(MANIFEST).read_text())["label_names"] == ["no", "yes"]


def test_outside_the_main_process_manifests_tell_and_no_origin_is_looked_at(
    by_files: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_files.make()
    wanted = by_files.wanted()
    Path("mine.jsonl").unlink()
    job = Origins()
    assert job.of_task("mine") == wanted
    assert job.of_task("other") == job.of_model("mine") == origins.UNKNOWN
    forced: set[str] = set()
    job.look_at(MANIFEST, forced, True, pytest.fail)
    assert forced == set()


def test_origins_of_other_studies_stay_remembered(by_files: Desk) -> None:
    Path("results").mkdir()
    Path("results/origins.json").write_text(json.dumps({"results/data/other": "files-a-b-c"}))
    by_files.today().remember()
    remembered = json.loads(Path("results/origins.json").read_text())
    assert remembered == {
        "results/data/other": "files-a-b-c",
        "results/data/mine": by_files.wanted(),
    }


def test_weights_in_several_files_count_by_each(by_folder: Desk) -> None:
    index, names = {"a": "one.safetensors", "b": "two.safetensors"}, ("one", "two")
    Path("encoder/model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    Path("encoder/model.safetensors").unlink()
    for name in names:
        tensors = {name: numpy.zeros(2, numpy.float32)}
        save_file(tensors, f"encoder/{name}.safetensors")
    by_folder.make()
    assert json.loads(Path(MODEL).read_text())["made_from"] == by_folder.wanted()
    assert by_folder.look() == (set(), [])
    save_file({"two": numpy.ones(2, numpy.float32)}, "encoder/two.safetensors")
    assert by_folder.look()[0] == {MODEL}


def test_broken_remembrance_is_none(by_files: Desk) -> None:
    Path("results").mkdir()
    for content in (b"{", b"[]", b'{"results/data/mine": 3}'):
        Path("results/origins.json").write_bytes(content)
        assert by_files.wanted().startswith("files-")


def test_what_something_is_made_from_is_no_parameter_that_snakemake_does_not_compare() -> None:
    # It compares none that is made from inputs or outputs.
    rules = Path(__file__).parents[3] / "workflow/rules"
    texts = [path.read_text(encoding="utf8") for path in rules.glob("*.smk")]
    found = [
        line for text in texts for line in re.findall(r"(?:made_from|contents)=lambda [^:]*:", text)
    ]
    assert len(found) >= 4
    assert {line.partition("=")[2] for line in found} == {"lambda wildcards:"}
