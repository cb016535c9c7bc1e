"""The programs that rules call: they write what they should, or say one line and fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from interlude.data.fetch.archives import cache_path, find_archive
from interlude.plan.tasks import Task

from .conftest import jsonl, wheel

ROOT = Path(__file__).parents[3]
ROWS = jsonl([{"text": f"text {i}", "label": "yes" if i % 2 else "no"} for i in range(4)])
CONTENT = wheel({"tiny/rows.jsonl": ROWS})


def program(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    script = ROOT / "workflow" / "scripts" / f"{name}.py"
    return subprocess.run(
        [sys.executable, "-W", "error", script, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def cached(registry: Callable[..., Path]) -> Path:
    """A registry whose one archive is in the cache."""
    path = registry(CONTENT)
    kept = cache_path(find_archive("tiny", path))
    kept.parent.mkdir(parents=True)
    kept.write_bytes(CONTENT)
    return path


def test_from_an_archive_to_normalised_files(
    cached: Path, task: Callable[..., Task], tmp_path: Path
) -> None:
    copy, out = tmp_path / "results/tiny.archive", tmp_path / "results/data/mine"
    done = program("download_archive", "--archive", "tiny", "--registry", cached, "--out", copy)
    assert (done.returncode, done.stderr) == (0, "")
    mine = task([], source={"archive": "tiny", "members": {"all": "tiny/rows.jsonl"}})
    given = ("--registry", cached, "--archive-file", copy)
    done = program("normalise", "--task", mine.path, *given, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "mine: 2 rows in train, 2 rows in validation, 2 labels\n"
    names = {path.name for path in out.iterdir()}
    assert names == {"train.parquet", "validation.parquet", "groups.parquet", "manifest.json"}


def test_what_may_be_a_mistake_is_told(task: Callable[..., Task], tmp_path: Path) -> None:
    rows = [{"text": f"t {n}", "label": name} for n, name in enumerate(("no", "yes", "no", "no"))]
    done = program("normalise", "--task", task(rows).path, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert done.stdout == "mine: 2 rows in train, 2 rows in validation, 2 labels\n"
    assert "\nwarning: labels that only train has: yes (1 of 2); validation does not" in done.stderr


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("download_archive", ["--archive", "nope"]),
        ("normalise", ["--task", "nope.yaml"]),
        ("prepare_model", ["--model", "nope.yaml"]),
    ],
)
def test_bad_input_ends_in_one_line(
    name: str, arguments: list[str], cached: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results" / "out"
    done = program(name, *arguments, "--registry", cached, "--out", out)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not out.exists()
