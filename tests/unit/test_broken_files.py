"""A file that was cut or changed is named and not used; deleted and made anew, it is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.data.fetch.models import prepare_model
from interlude.data.fetch.places import Places
from interlude.data.prepare import prepare
from interlude.encode.encoding import encode_task
from interlude.errors import InputError
from interlude.jobs.perform import perform
from interlude.plan.tasks import load_task
from interlude.plan.trainings import Training

Harm = Callable[[Path], None]


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


HARMS = pytest.mark.parametrize("harm", [flip, cut, empty])


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A folder with a normalised task, as the program makes it: by calling `normalise`."""
    rows = tiny.source_rows("pair", 30)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = {"source": {"files": {"all": str(tmp_path / "rows.jsonl")}}}
    tiny.write_yaml(tmp_path / "tiny-pair.yaml", tiny.task_file("pair") | source)
    normalise(tmp_path)
    return tmp_path / "data"


def normalise(folder: Path) -> None:
    prepare(load_task(folder / "tiny-pair.yaml"), Places(Path("unused")), folder / "data")


@HARMS
@pytest.mark.parametrize("name", ["train.parquet", "validation.parquet"])
def test_normalised_data(harm: Harm, name: str, task: Path, model: Path, tmp_path: Path) -> None:
    broken = task / name
    whole = broken.read_bytes()
    harm(broken)
    with pytest.raises(InputError, match=f"{broken}: broken or changed.*Delete {broken}"):
        encode_task(task, tmp_path / "encoded", "pair", model, 32)
    assert not (tmp_path / "encoded").exists()
    broken.unlink()
    normalise(tmp_path)
    assert broken.read_bytes() == whole


def test_a_task_of_which_a_file_was_not_copied(task: Path, model: Path, tmp_path: Path) -> None:
    (task / "validation.parquet").unlink()
    with pytest.raises(InputError, match=rf"validation\.parquet: no such file.*Delete {task} and"):
        encode_task(task, tmp_path / "encoded", "pair", model, 32)


@pytest.mark.parametrize("content", [b"", b'{"files": {', b"[]", b"\xff"])
def test_a_broken_manifest(content: bytes, task: Path, model: Path, tmp_path: Path) -> None:
    (task / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"manifest\.json: not .*\. Delete it and run again"):
        encode_task(task, tmp_path / "encoded", "pair", model, 32)


@HARMS
@pytest.mark.parametrize("name", ["train.arrow", "validation.arrow"])
def test_encoded_data(harm: Harm, name: str, model: Path, task: Path, tmp_path: Path) -> None:
    encoded = tmp_path / "encoded"
    encode_task(task, encoded, "pair", model, 32)
    whole = (encoded / name).read_bytes()
    harm(encoded / name)
    with pytest.raises(InputError, match=f"{encoded / name}: broken or changed.*Delete"):
        train(tiny.training("pair"), model, encoded, tmp_path / "trained")
    assert not (tmp_path / "trained").exists()
    (encoded / name).unlink()
    encode_task(task, encoded, "pair", model, 32)
    assert (encoded / name).read_bytes() == whole


def train(training: Training, model: Path, encoded: Path, folder: Path, **places: Any) -> None:
    files = tiny.files(model, encoded, folder, **places)
    perform(tiny.job(training, files), 1, lambda _: None)


@HARMS
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_prepared_model(
    harm: Harm, name: str, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    about = {"name": "mine", "title": "Mine", "licence": "none", "folder": str(model)}
    declared, prepared = tiny.write_yaml(tmp_path / "mine.yaml", about), tmp_path / "prepared"
    prepare_model(declared, Path("unused"), prepared)
    whole = (prepared / name).read_bytes()
    harm(prepared / name)
    with pytest.raises(InputError, match=f"{prepared / name}: broken or changed.*Delete"):
        train(tiny.training("pair"), prepared, encoded["pair"], tmp_path / "trained")
    (prepared / name).unlink()
    prepare_model(declared, Path("unused"), prepared)
    assert (prepared / name).read_bytes() == whole


@HARMS
def test_an_encoder_that_a_training_starts_from(
    harm: Harm, model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    start = tmp_path / "source/start"
    source = start / "encoder.safetensors"

    def make() -> None:
        folder = tmp_path / "source"
        train(tiny.training("single"), model, encoded["single"], folder, keep_start=True)

    make()
    whole = source.read_bytes()
    harm(source)
    with pytest.raises(InputError, match=f"{source}: broken or changed.*Delete"):
        train(tiny.training("pair"), model, encoded["pair"], tmp_path / "trained", start=start)
    assert not (tmp_path / "trained").exists()
    source.unlink()
    make()
    assert source.read_bytes() == whole
