"""A branch of the hub that has moved is told, at a start with a connection; no more is done."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import tiny
from helpers.hub_server import Files, Hub
from huggingface_hub import constants

from interlude.data.fetch.models import prepare_model
from interlude.data.fetch.places import Places
from interlude.data.origins import find_origins
from interlude.data.prepare import prepare
from interlude.plan.tasks import load_task

PLACES = Places(Path("archives.yaml"))
DATA, MODEL = "results/data/mine/manifest.json", "results/models/mine/manifest.json"
MODEL_FILES = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b"{}"}

Look = Callable[..., list[str]]


def files(count: int) -> Files:
    found = {}
    for part, size in (("train", count), ("validation", 4)):
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(tiny.source_rows("single", size)), buffer)
        found[f"rows/{part}-0.parquet"] = buffer.getvalue()
    return found


@pytest.fixture
def commits(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A working folder with a task and a model of the hub; the commits that their main has."""
    monkeypatch.chdir(tmp_path)
    write()
    return {
        "datasets": hub.repositories["datasets/lab/things"].commit(files(8)),
        "models": hub.repositories["models/lab/encoder"].commit(MODEL_FILES),
    }


def write(**revision: str) -> None:
    declared = {"hub": {"id": "lab/things", "config": "rows", **revision}}
    task = tiny.task_file("single") | {"name": "mine", "source": declared}
    task["splits"] = {"train": "train", "validation": "validation"}
    tiny.write_yaml(Path("mine.yaml"), task)
    about = {"name": "mine", "title": "Mine", "licence": "none"}
    hub = {"id": "lab/encoder", **revision}
    tiny.write_yaml(Path("model.yaml"), {**about, "hub": hub})


def make() -> None:
    prepare(load_task(Path("mine.yaml")), PLACES, Path("results/data/mine"))
    prepare_model(Path("model.yaml"), PLACES.registry, Path("results/models/mine"))


@pytest.fixture
def look() -> Look:
    """What is said at a start, or in a dry run; nothing may be forced."""

    def at(ask: bool = True) -> list[str]:
        said: list[str] = []
        forced: set[str] = set()
        tasks = {"mine": load_task(Path("mine.yaml"))}
        today = find_origins(tasks, {"mine": Path("model.yaml")}, PLACES)
        for file in (DATA, MODEL):
            today.look_at(file, forced, ask, said.append)
        assert forced == set()
        return said

    return at


def move(hub: Hub) -> dict[str, str]:
    return {
        "datasets": hub.repositories["datasets/lab/things"].commit({**files(9), "README.md": b""}),
        "models": hub.repositories["models/lab/encoder"].commit({**MODEL_FILES, "README.md": b""}),
    }


def test_what_has_not_moved_is_not_told(commits: dict[str, str], look: Look) -> None:
    make()
    assert look() == []


def test_what_has_moved_is_told_with_the_way_to_take_it(
    commits: dict[str, str], hub: Hub, look: Look
) -> None:
    make()
    now = move(hub)
    said = look()
    for line, kind, file, name in zip(
        said, ("datasets", "models"), (DATA, MODEL), ("things", "encoder"), strict=True
    ):
        assert f"lab/{name} at main has moved on the hub, from {commits[kind][:8]}" in line
        assert f"to {now[kind][:8]}. To use the new one, start with --forcerun {file}" in line
    make()  # which takes it
    assert look() == []


def test_a_dry_run_asks_nothing(commits: dict[str, str], hub: Hub, look: Look) -> None:
    make()
    move(hub)
    asked = len(hub.requests)
    assert look(ask=False) == []
    assert len(hub.requests) == asked


def test_a_commit_is_not_asked_for(commits: dict[str, str], hub: Hub, look: Look) -> None:
    write(revision=commits["datasets"])
    prepare(load_task(Path("mine.yaml")), PLACES, Path("results/data/mine"))
    move(hub)
    asked = len(hub.requests)
    assert look() == []
    assert len(hub.requests) == asked


def test_nothing_is_asked_of_what_is_not_made(
    commits: dict[str, str], hub: Hub, look: Look
) -> None:
    assert look() == []
    assert hub.requests == []


@pytest.mark.parametrize("fault", [503, "html", "silence", "trickle", "away", "gone", "off"])
def test_a_hub_that_does_not_answer_is_silent_and_costs_no_time(
    fault: Any,
    commits: dict[str, str],
    hub: Hub,
    look: Look,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("interlude.data.origins.PATIENCE", 0.5)
    make()
    move(hub)
    if fault == "away":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    elif fault == "off":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif fault == "gone":
        hub.repositories.clear()
    else:
        hub.faults["/revision/main"] = [fault] * 9
    started = time.monotonic()
    assert look() == []
    assert time.monotonic() - started < 5
