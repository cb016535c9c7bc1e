"""A mirror is looked at before the declared source, its files are held to its manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.errors import InputError
from interlude.plan.tasks import Task

HUB = {"hub": {"id": "someone/things", "config": "small"}}
OFFLINE = "wanted from the hub"

Mirror = Callable[..., Path]


def rows(split: str, count: int = 4) -> list[dict[str, str]]:
    return [{"text": f"{split} {i}", "label": "yes" if i % 2 else "no"} for i in range(count)]


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise InputError(OFFLINE)

    monkeypatch.setattr("interlude.data.fetch.files.fetch_dataset", refuse)


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """Write a mirror of one data set with the given splits; `changes` go into its manifest."""

    def write(*splits: str, dataset: str = "things/small", **changes: Any) -> Path:
        folder = tmp_path / "mirror"
        entries = []
        for split in splits:
            file = folder / dataset / f"{split}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows(split)), file)
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            name = str(file.relative_to(folder))
            entry = {"dataset": dataset, "hub_id": "someone/things", "hub_config": "small"}
            entries.append(entry | {"split": split, "file": name, "sha256": sha256} | changes)
        (folder / "MANIFEST.json").write_text(json.dumps({"files": entries}))
        return folder

    return write


@pytest.fixture
def mine(task: Callable[..., Task]) -> Task:
    return task([], source=HUB, splits={"train": "train", "validation": "validation"})


def run(task: Task, mirror: Path, out: Path, slices: dict[str, Any] | None = None) -> Any:
    overlay = out.parent / "partial.yaml"
    overlay.write_text(yaml.safe_dump(slices or {}))
    prepare(task, Places(Path("archives.yaml"), mirror=mirror, slices=overlay), out)
    return json.loads((out / "manifest.json").read_text())


def ids(folder: Path, part: str) -> list[str]:
    found: list[str] = pq.read_table(folder / f"{part}.parquet")["id"].to_pylist()
    return found


def test_a_hub_task_is_read_by_hub_id_and_config(
    mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    manifest = run(mine, mirror("train", "validation", "test"), tmp_path / "out")
    assert manifest["sizes"] == {"train": 4, "validation": 4}
    assert manifest["source"]["mirror"] == "things/small"
    assert manifest["revision"].startswith("things/small of a mirror, SHA-256 ")
    assert set(manifest["source"]["files"]) == {"train", "validation"}
    assert str(tmp_path) not in json.dumps(manifest)


def test_another_config_is_not_taken_for_it(mine: Task, mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=OFFLINE):
        run(mine, mirror("train", "validation", hub_config="large"), tmp_path / "out")


def test_a_data_set_without_a_hub_id_is_read_by_its_name(
    mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    source = mine.source.model_copy(update={"mirror": "other"})
    named = mine.model_copy(update={"source": source})
    folder = mirror("train", "validation", dataset="other", hub_id=None, hub_config=None)
    assert run(named, folder, tmp_path / "out")["source"]["mirror"] == "other"


def test_without_a_split_the_declared_source_is_next_and_a_note_says_so(
    mine: Task, mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=OFFLINE):
        run(mine, mirror("validation"), tmp_path / "out")
    assert "the mirror has mine without the split train" in capsys.readouterr().err


def test_the_overlay_cuts_both_parts_out_of_what_is_there(
    mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    splits = {"train": "validation[:3]", "validation": "validation[3:]"}
    run(mine, mirror("validation"), tmp_path / "out", {"mine": {"splits": splits}})
    assert ids(tmp_path / "out", "train") == ["validation-0", "validation-1", "validation-2"]
    assert ids(tmp_path / "out", "validation") == ["validation-3"]


def test_the_overlay_may_name_groups_and_another_data_set(
    mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    splits = {"train": "test[:50%]", "validation": "test[50%:]"}
    overlay = {"mine": {"splits": splits, "split_by": "label", "dataset": "other"}}
    manifest = run(mine, mirror("test", dataset="other"), tmp_path / "out", overlay)
    assert manifest["labels"] in (
        {"train": {"no": 2}, "validation": {"yes": 2}},
        {"train": {"yes": 2}, "validation": {"no": 2}},
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("absent", r"things/small/train.parquet: No such file.*MANIFEST.json lists it"),
        ("altered", r"things/small/train.parquet: wrong sha256: found \w{64}, expected \w{64}"),
    ],
)
def test_a_damaged_file_is_named(
    damage: str, message: str, mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    folder = mirror("train", "validation")
    file = folder / "things/small/train.parquet"
    file.unlink() if damage == "absent" else file.write_bytes(b"other")
    with pytest.raises(InputError, match=message):
        run(mine, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_column_is_named_with_those_found(
    mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    other = mine.model_copy(update={"columns": {"text": "txt", "label": "label"}})
    message = "split 'train', row 1: key columns.text: no column 'txt'.*Found: text, label"
    with pytest.raises(InputError, match=message):
        run(other, mirror("train", "validation"), tmp_path / "out")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "MANIFEST.json: No such file.*key mirror"),
        ("{", "MANIFEST.json: not a manifest"),
        ('{"files": [{"dataset": "a", "split": "b", "file": "c"}]}', "entry 1: no key 'sha256'"),
    ],
)
def test_a_folder_that_is_no_mirror_is_refused(
    manifest: str | None, message: str, mine: Task, tmp_path: Path
) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    if manifest is not None:
        (folder / "MANIFEST.json").write_text(manifest)
    with pytest.raises(InputError, match=message):
        run(mine, folder, tmp_path / "out")


def test_a_faulty_overlay_is_named(mine: Task, mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"partial.yaml: key mine: unknown key 'split'"):
        run(mine, mirror("validation"), tmp_path / "out", {"mine": {"split": {}}})


@pytest.mark.parametrize("name", ["../secret.parquet", "/etc/passwd"])
def test_a_file_outside_the_mirror_is_refused(
    name: str, mine: Task, mirror: Mirror, tmp_path: Path
) -> None:
    folder = mirror("train", "validation", file=name)
    with pytest.raises(InputError, match=rf"MANIFEST.json: key file: found '{name}'. Allowed"):
        run(mine, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
