"""Faults of files, as a user of a whole study meets them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from helpers.project import Project

TABLE = "results/tiny/scores.parquet"
STARTED = [
    {"role": "target", "source": "sarcasm", "task": task, "restart": 1}
    for task in ("finance-ner", "privacy-qa")
]
SOURCE = {"role": "intermediate", "task": "sarcasm", "restart": 1}
ENCODING = "results/encoded/minilm-l6/privacy-qa/96/train.arrow"


@pytest.mark.parametrize("taken", ["results", "results/tiny", "results/trained"])
def test_a_file_in_the_way_of_results_is_one_message(taken: str, project: Project) -> None:
    path = project.root / taken
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    done = project.snakemake("--cores", "1")
    assert done.returncode != 0
    assert f"\n{taken}: cannot be written: a file is where a folder must be. Move it" in done.stdout
    assert "Traceback" not in done.stdout
    assert path.read_text() == "mine"


def test_read_only_results_are_one_message_and_can_be_looked_at(
    project: Project, read_only: Callable[[Path], AbstractContextManager[None]]
) -> None:
    (project.root / "results").mkdir()
    with read_only(project.root / "results"):
        done = project.snakemake("--cores", "1")
        assert project.planned("results/data/sarcasm/manifest.json")
    assert done.returncode != 0
    assert "\nresults: cannot be written: the file system is read-only. Make it" in done.stdout
    assert "Traceback" not in done.stdout


def test_what_a_broken_file_s_message_says_leads_to_the_same_bytes(
    finished: Project, tmp_path: Path
) -> None:
    project = Project(tmp_path / "interlude")
    shutil.copytree(finished.root, project.root)
    shutil.rmtree(project.root / "results/shared")  # else all is taken from there
    whole = results(project)
    for path in (*(project.trained(**cell) / "record.json" for cell in STARTED), Path(TABLE)):
        (project.root / path).unlink()
    encoder = str(project.trained(**SOURCE) / "start/encoder.safetensors")
    flip(project.root / encoder)
    flip(project.root / ENCODING)
    named = set()
    said = ""
    while (done := project.snakemake("--cores", "2", TABLE)).returncode != 0:
        assert "Traceback" not in done.stdout
        advised = set(re.findall(r"error: (\S+):.*[Dd]elete \S+ and run again", done.stdout))
        assert advised - named, done.stdout
        for path in advised:
            (project.root / path).unlink()
        named |= advised
        said += done.stdout
    assert named == {encoder, ENCODING}
    for task in ("finance-ner", "privacy-qa"):  # by a name that means something to people
        assert f"\nstilts target: sarcasm > {task}, restart 1: exit status 2: error: " in said
    assert results(project) == whole


def results(project: Project) -> dict[str, Any]:
    """Return encodings, starts, predictions and records by their paths.

    Of a record what was computed: without its times, its memory, and from where it was taken.
    """
    folders = (project.root / "results/encoded", project.root / "results/trained")
    paths = [path for folder in folders for path in folder.rglob("*")]
    kept = {".arrow", ".safetensors", ".parquet", ".json"}
    return {
        str(path.relative_to(project.root)): content(path) for path in paths if path.suffix in kept
    }


def content(path: Path) -> Any:
    if path.suffix != ".json":
        return path.read_bytes()
    document = json.loads(path.read_text())
    passing = {
        "taken_from",
        "peak_memory_bytes",
        *(key for key in document if key.endswith("_seconds")),
    }
    return {key: value for key, value in document.items() if key not in passing}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
