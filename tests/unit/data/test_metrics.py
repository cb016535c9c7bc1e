"""A metric of evaluate in a folder: it counts by the content of its Python files."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import tiny
from helpers.own_metric import write_metric

from interlude.data.fetch.metrics import prepare_metric
from interlude.data.fetch.places import Places
from interlude.data.origins import METRICS, Origins, find_origins
from interlude.errors import InputError
from interlude.plan.evaluated import Evaluated
from interlude.plan.tasks import load_task

MINE = Evaluated(folder="metrics/mine", score="balanced")
OUT = METRICS / MINE.digest


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_metric(Path("metrics/mine"))


def today() -> Origins:
    scored = {"folder": "metrics/mine", "score": "balanced"}
    document = tiny.task_file("single") | {"metric": "evaluate", "evaluate": scored}
    tiny.write_yaml(Path("tiny-single.yaml"), document)
    tasks = {"tiny-single": load_task(Path("tiny-single.yaml"))}
    return find_origins(tasks, {}, Places(Path("archives.yaml")))


def looked_at() -> set[str]:
    forced: set[str] = set()
    today().look_at(str(OUT / "manifest.json"), forced, False, lambda _: None)
    return forced


def test_what_is_prepared_is_of_today_until_a_python_file_changes() -> None:
    Path("metrics/mine/helper.py").write_text("A = 1\n")
    Path("metrics/mine/README.md").write_text("mine")
    manifest = prepare_metric(MINE, Path("mine.yaml"), OUT)
    assert set(manifest["files"]) == {"mine.py", "helper.py"}
    assert today().of_metric(MINE.digest) == manifest["made_from"]
    Path("metrics/mine/mine.py").touch()
    Path("metrics/mine/README.md").write_text("ours")
    assert looked_at() == set()
    Path("metrics/mine/helper.py").write_text("A = 2\n")
    assert today().of_metric(MINE.digest) != manifest["made_from"]
    assert looked_at() == {str(OUT / "manifest.json")}


def test_a_file_that_is_gone_is_gone_from_what_is_prepared() -> None:
    Path("metrics/mine/helper.py").write_text("A = 1\n")
    prepare_metric(MINE, Path("mine.yaml"), OUT)
    Path("metrics/mine/helper.py").unlink()
    assert looked_at()
    prepare_metric(MINE, Path("mine.yaml"), OUT)
    assert not looked_at()
    assert not (OUT / "helper.py").exists()


def test_what_was_prepared_outlives_its_folder() -> None:
    manifest = prepare_metric(MINE, Path("mine.yaml"), OUT)
    Path("metrics").rename("away")
    assert today().of_metric(MINE.digest) == manifest["made_from"]
    assert not looked_at()


def test_a_folder_without_the_metric_is_named() -> None:
    Path("metrics/mine/mine.py").rename("metrics/mine/other.py")
    with pytest.raises(InputError) as raised:
        prepare_metric(MINE, Path("config/tasks/mine.yaml"), OUT)
    assert str(raised.value) == (
        "config/tasks/mine.yaml: key evaluate.folder: metrics/mine: no file mine.py, which would "
        "be the metric. Found: other.py."
    )
    assert not OUT.exists()
