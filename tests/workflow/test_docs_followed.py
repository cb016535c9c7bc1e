"""The pages on adding a task and a model, followed by a new user: every file and every command.

A fenced block below a line "`path`:" is a file. A `console` block holds commands and what they
print: lines in their order, "..." for any others. Numbers with decimals and hashes may differ.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import tiny
from helpers.hub_server import Files, Hub
from helpers.project import ROOT, copy_project, shared_server
from helpers.tiny_families import save_family

BLOCK = re.compile(
    r"(?:^`(?P<path>[\w./-]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.M | re.S
)
VARYING = re.compile(r"\d+\.\d+|(?:sha256:)?\b[0-9a-f]{12,}\b")
TOKEN = "hf_..."


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny RoBERTa with 514 positions, as the real ones have."""
    return save_family("roberta", tmp_path_factory.mktemp("saved"), places=512)


@pytest.fixture
def hub(encoder: Path) -> Iterator[Hub]:
    """A hub on loopback with what the pages fetch: public and private, a data set and a model."""
    server = Hub()
    model = {path.name: path.read_bytes() for path in encoder.iterdir()}
    server.repositories["datasets/my-lab/film-opinions"].commit(_opinions())
    server.repositories["models/my-lab/encoder"].commit(model)
    for name, files in {
        "datasets/my-lab/private-opinions": _opinions(),
        "models/my-lab/private-encoder": model,
    }.items():
        server.repositories[name].commit(files)
        server.repositories[name].private = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _opinions() -> Files:
    names = {"text_a": "question", "text_b": "answer", "label": "label"}
    rows = [{new: row[old] for old, new in names.items()} for row in tiny.rows("pair", 30)]
    for number, row in enumerate(rows):
        row["question"] += f" {number}"  # no row is in both parts
    parts = {"train": rows[:24], "validation": rows[24:]}
    return {f"pairs/{part}-00000-of-00001.parquet": _parquet(rows) for part, rows in parts.items()}


def _parquet(rows: list[tiny.Row]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


class Reader:
    """A new user in a clone, who does what a page says."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder = folder
        self.token = hub.token
        self.environment = {
            **{key: value for key, value in os.environ.items() if key != "HF_TOKEN"},
            **shared_server(),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(folder.parent / "home"),
            "HF_HUB_OFFLINE": "0",
        }

    def follow(self, page: str) -> None:
        """Write every file and run every command of a page in order."""
        for block in BLOCK.finditer(page):
            if block["kind"] == "console":
                for session in re.split(r"^\$ ", block["text"], flags=re.M)[1:]:
                    command, _, printed = session.partition("\n")
                    self.run(command, printed)
            elif block["path"]:
                path = self.folder / block["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["text"], encoding="utf8")

    def run(self, command: str, printed: str) -> None:
        """Run a command in bash; it must print what the page shows."""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = value.replace(TOKEN, self.token)
            return
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        found = [_comparable(line) for line in done.stdout.splitlines()]
        for line in printed.splitlines():
            if line == "...":
                continue
            assert _comparable(line) in found, f"$ {command}\n{line}\n--- found\n{done.stdout}"
            found = found[found.index(_comparable(line)) + 1 :]
        if "..." not in printed:
            assert len(done.stdout.splitlines()) == len(printed.splitlines()), done.stdout


def _comparable(line: str) -> str:
    return VARYING.sub("#", line.strip())


@pytest.mark.parametrize("page", ["add-a-task", "add-a-model"])
def test_a_page_can_be_followed(page: str, hub: Hub, encoder: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "interlude")
    (project.root / "models").mkdir()
    (project.root / "models/my-encoder").symlink_to(encoder)
    Reader(project.root, hub).follow((ROOT / f"docs/{page}.md").read_text(encoding="utf8"))
