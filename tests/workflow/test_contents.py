"""Every local file that a study reads counts by its content, whoever made what was made from it.

One study with a task of each origin and a model in a folder is run once; then the files change.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import tiny
from helpers.hub_server import Hub
from helpers.own_metric import write_metric
from helpers.project import Project, copy_project

TASKS = ("by-files", "by-own", "by-mirror", "by-archive", "by-hub")
ONE_TASK = {"normalise": 1, "encode": 1, "train": 1}
REPOSITORY = "datasets/lab/things"
WHEEL = "things-1.0-py3-none-any.whl"
BIG = 200 * 10**6  # bytes


@dataclass(frozen=True)
class Study:
    """A project with a study of a task of each origin, and the hub on loopback that it asks."""

    project: Project
    hub: Hub

    def path(self, name: str) -> Path:
        return self.project.root / name

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs a dry run plans, by the first word of their rule.

        But for the one that only shows how many rows there are.
        """
        counts: dict[str, int] = {}
        for rule, count in self.project.planned("targets", *arguments).items():
            word = rule.partition("_")[0]
            counts[word] = counts.get(word, 0) + count
        counts.pop("describe", None)
        return counts

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Move files or folders away for a while."""
        for name in names:
            self.path(name).rename(self.path(f"{name}.away"))
        try:
            yield
        finally:
            for name in names:
                self.path(f"{name}.away").rename(self.path(name))

    @contextmanager
    def kept(self, *names: str) -> Iterator[None]:
        """Put the content of files back after a while."""
        before = {name: self.path(name).read_bytes() for name in names}
        try:
            yield
        finally:
            for name, content in before.items():
                self.path(name).write_bytes(content)


@pytest.fixture(scope="module")
def study(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    """The study, run to its end. The data of one task were made by hand before."""
    folder = tmp_path_factory.mktemp("contents")
    with pytest.MonkeyPatch.context() as patch, serving() as hub:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("HF_HOME", str(folder / "home"))
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_HUB_OFFLINE", "0")
        written = Study(copy_project(folder / "interlude"), hub)
        write_study(written, model)
        normalise(written, "by-files")
        written.project.run("targets")
        yield written


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield hub
    hub.closing.set()
    hub.shutdown()
    hub.server_close()
    thread.join()


def write_study(study: Study, model: Path) -> None:
    shutil.copytree(model, study.path("encoder"))
    about = {"name": "mine", "title": "Mine", "licence": "none", "folder": "encoder"}
    tiny.write_yaml(study.path("config/models/mine.yaml"), about)
    write_csv(study)
    write_own(study)
    write_mirror(study)
    write_archive(study)
    study.hub.repositories[REPOSITORY].commit(hub_files())
    settings = {"epochs": 1, "train_examples": None, "validation_examples": None, "max_length": 32}
    config = {
        "study": "first",
        "restarts": 1,
        "encoder": {"model": "mine"},
        "intermediate": [],
        "target": list(TASKS),
        "probing": [],
        "mirror": "mirror",
        "own_data": "own",
        "training": {"target": settings},
    }
    tiny.write_yaml(study.path("tiny.yaml"), config)
    parts = {"train": "train", "validation": "validation"}
    write_metric(study.path("metrics/balanced"))
    scored = {"folder": "metrics/balanced", "score": "balanced"}
    source = {"files": {"all": "films.csv"}}
    write_task(study, "files", source, metric="evaluate", evaluate=scored)
    write_task(study, "own", {"own": {"obtain": "here"}}, parts)
    write_task(study, "mirror", {"hub": {"id": "lab/other"}}, parts)
    write_task(study, "archive", {"archive": "things", "members": {"all": "rows.jsonl"}})
    write_task(study, "hub", {"hub": {"id": "lab/things", "config": "rows"}}, parts)


def write_task(
    study: Study,
    origin: str,
    source: tiny.Row,
    splits: dict[str, str] | None = None,
    **others: Any,
) -> None:
    task = tiny.task_file("single") | {"name": f"by-{origin}", "source": source} | others
    if splits is not None:
        task["splits"] = splits
    tiny.write_yaml(study.path(f"config/tasks/by-{origin}.yaml"), task)


def rows(count: int = 20) -> list[tiny.Row]:
    named = tiny.source_rows("single", count)
    return [row | {"label": tiny.LABELS["single"][row["label"]]} for row in named]


def jsonl(content: list[tiny.Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in content).encode()


def parquet(content: list[tiny.Row]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(content), buffer)
    return buffer.getvalue()


def write_csv(study: Study, count: int = 20) -> None:
    lines = [f'"{row["text"]}",{row["label"]}\n' for row in rows(count)]
    study.path("films.csv").write_text("".join(["text,label\n", *lines]))


def write_own(study: Study, count: int = 20) -> None:
    study.path("own/by-own").mkdir(parents=True, exist_ok=True)
    study.path("own/by-own/train.jsonl").write_bytes(jsonl(rows(count)))
    study.path("own/by-own/validation.jsonl").write_bytes(jsonl(rows(8)))


def write_mirror(study: Study, count: int = 20) -> None:
    entries = []
    study.path("mirror/other").mkdir(parents=True, exist_ok=True)
    for split, size in (("train", count), ("validation", 8)):
        name, content = f"other/{split}.parquet", parquet(rows(size))
        study.path(f"mirror/{name}").write_bytes(content)
        entry = {"dataset": "other", "hub_id": "lab/other", "hub_config": "default"}
        sha256 = hashlib.sha256(content).hexdigest()
        entries.append(entry | {"split": split, "file": name, "sha256": sha256})
    study.path("mirror/MANIFEST.json").write_text(json.dumps({"files": entries}))


def write_archive(study: Study, count: int = 20) -> None:
    """Put an archive into the cache and declare it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("rows.jsonl"), jsonl(rows(count)))  # the same bytes again
    pin = hashlib.sha256(buffer.getvalue()).hexdigest()
    cached = Path(os.environ["XDG_CACHE_HOME"], "interlude/archives", pin, WHEEL)
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(buffer.getvalue())
    entry = {"package": "things", "version": "1.0", "file": WHEEL, "sha256": pin}
    tiny.write_yaml(study.path("config/archives.yaml"), {"things": entry})


def hub_files(count: int = 20) -> dict[str, bytes]:
    parts = {"train": rows(count), "validation": rows(8)}
    return {f"rows/{part}-0.parquet": parquet(content) for part, content in parts.items()}


def normalise(study: Study, task: str) -> None:
    """Do as a user who looks at the data of a task before they train."""
    script = "workflow/scripts/normalise.py"
    command = [sys.executable, script, "--task", f"config/tasks/{task}.yaml"]
    subprocess.run(
        [*command, "--out", f"results/data/{task}"],
        cwd=study.project.root,
        env=os.environ | {"PYTHONPATH": "src"},
        check=True,
    )


def test_touched_files_make_nothing_run(study: Study) -> None:
    for folder in ("encoder", "own", "mirror", "metrics", "config", "results/archives"):
        for path in study.path(folder).rglob("*"):
            path.touch()
    study.path("films.csv").touch()
    study.path("encoder/README.md").write_text("no part of the model")
    assert study.planned() == {}


@pytest.mark.parametrize("origin", ["csv", "own", "mirror", "archive"])
def test_changed_rows_make_one_task_run(study: Study, origin: str) -> None:
    write = {"csv": write_csv, "own": write_own, "mirror": write_mirror, "archive": write_archive}
    downloads = {"download": 1} if origin == "archive" else {}
    write[origin](study, 18)
    try:
        assert study.planned() == ONE_TASK | downloads
    finally:
        write[origin](study)


def test_changed_weights_make_all_run(study: Study) -> None:
    weights = study.path("encoder/model.safetensors")
    with study.kept("encoder/model.safetensors"):
        weights.write_bytes(weights.read_bytes()[:-1] + b"?")
        count = len(TASKS)
        assert study.planned() == {"prepare": 1, "encode": count, "train": count}


def test_a_changed_metric_makes_trainings_with_it_run_and_nothing_else(study: Study) -> None:
    file = "metrics/balanced/balanced.py"
    with study.kept(file):
        study.path(file).write_text(f"{study.path(file).read_text()}# another\n")
        assert study.planned() == {"prepare": 1, "train": 1}
    with study.without("metrics"):
        assert study.planned() == {}


def test_a_score_is_that_of_the_metric_that_the_task_names(study: Study) -> None:
    scored = [
        json.loads(path.read_text())["parts"][0]
        for path in study.path("results/trained").glob("*/record.json")
    ]
    (mine,) = [each for each in scored if each["task"] == "by-files"]
    assert mine["metric"] == "balanced (balanced)"
    assert mine["score"] == mine["metrics"]["balanced"]
    assert mine["majority_score"] == 0.5  # the mean recall of a constant, of two labels


@pytest.mark.parametrize("deleted", [[], ["results/data", "results/encoded"]])
def test_an_edited_task_is_noticed_though_its_data_were_made_by_hand_or_deleted(
    study: Study, deleted: list[str]
) -> None:
    cut = ("config/tasks/by-files.yaml", "all[60%:]", "all[70%:]")
    with study.without(*deleted), study.project.edited(*cut):
        planned = study.planned()
    assert (planned["normalise"], planned["encode"], planned["train"]) == (1, 1, 1)


def test_a_changed_file_is_noticed_though_the_data_are_deleted(study: Study) -> None:
    with study.kept("films.csv"), study.without("results/data/by-files"):
        write_csv(study, 18)
        assert study.planned() == ONE_TASK


def test_deleted_data_make_nothing_run(study: Study) -> None:
    with study.without("results/data", "results/encoded"):
        assert study.planned() == {}


def test_a_second_study_takes_the_data_of_the_first_while_they_are_of_today(study: Study) -> None:
    second = ("--config", "study=second")
    assert not {"normalise", "encode", "prepare"} & study.planned(*second).keys()
    with study.kept("films.csv"):
        write_csv(study, 18)
        planned = study.planned(*second)
    assert (planned["normalise"], planned["encode"]) == (1, 1)


def test_a_second_study_that_trained_on_changed_data_makes_the_first_run_once(
    study: Study,
) -> None:
    with study.kept("films.csv"):
        write_csv(study, 18)
        said = study.project.run("targets", "--config", "study=second")
        assert "results/data/by-files: made anew: its origin has changed." in said
        assert pq.read_table(study.path("results/data/by-files/train.parquet")).num_rows == 11
        assert not {"normalise", "encode", "prepare"} & study.planned().keys()
        study.project.run("targets")
        assert study.planned() == {}
    study.project.run("targets")


def test_a_finished_study_outlives_its_origins(study: Study) -> None:
    with study.without("films.csv", "own", "mirror", "encoder"):
        assert study.planned() == {}
        with study.without("results/data", "results/encoded"):
            assert study.planned() == {}


def test_a_branch_that_has_moved_is_told_at_a_start_and_taken_when_asked(study: Study) -> None:
    repository = study.hub.repositories[REPOSITORY]
    before = repository.refs["main"]
    after = repository.commit({**hub_files(18), "README.md": b"moved"})
    manifest = "results/data/by-hub/manifest.json"
    try:
        asked = len(study.hub.requests)
        assert study.planned() == {}
        assert len(study.hub.requests) == asked  # by no dry run
        told = study.project.run("targets")
        assert "Nothing to be done" in told
        assert f"lab/things at main has moved on the hub, from {before[:8]}, which " in told
        assert f"to {after[:8]}. To use the new one, start with --forcerun {manifest}" in told
        assert study.planned("--forcerun", manifest) == ONE_TASK
    finally:
        repository.refs["main"] = before


def test_what_was_touched_with_snakemake_is_accepted(study: Study) -> None:
    with study.kept("films.csv"):
        write_csv(study, 18)
        study.project.run("targets", "--touch")
        assert study.planned() == {}
    study.project.run("targets", "--touch")


def test_a_large_file_is_read_once(study: Study) -> None:
    with study.kept("films.csv"):
        with study.path("films.csv").open("ab") as file:
            file.truncate(BIG)
        time.sleep(2.1)  # a file that is at rest
        first, again = bytes_read(study), bytes_read(study)
    assert first > BIG
    assert again < BIG / 2


def test_what_is_neither_there_nor_known_is_one_message(study: Study) -> None:
    """The last one: Snakemake counts what this job would have made as incomplete."""
    with study.without("own", "results/data/by-own", "results/origins.json"):
        done = study.project.snakemake("--cores", "1", "targets")
    assert done.returncode != 0
    assert "error: config/tasks/by-own.yaml: Tiny single needs a copy of your own: here." in (
        done.stdout
    )


def bytes_read(study: Study) -> int:
    """Return how many bytes the process of a dry run reads."""
    program = (
        "import atexit, sys; from pathlib import Path; from snakemake.cli import main\n"
        "atexit.register(lambda: print(Path('/proc/self/io').read_text().splitlines()[0]))\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "--configfile", "tiny.yaml", "-n", "targets"],
        cwd=study.project.root,
        text=True,
        capture_output=True,
        check=True,
    )
    return int(done.stdout.rpartition("rchar: ")[2].split()[0])
