"""First light, as far as a processor shows it: the checks find what is right, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import first_light
from bench.light import equality, processes, repeats, runs, small
from bench.light.job import Job
from bench.light.material import TINY, Bag, prepare
from bench.light.table import section

ROOT = Path(__file__).parents[2]
# What a machine with a GPU may lack.
LACKING = ("snakemake", "datasets", "evaluate", "pydantic", "jinja2", "matplotlib")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Bag:
    folder = tmp_path_factory.mktemp("light") / "material"
    prepare(folder, real=False)
    return Bag(folder)


@pytest.fixture
def job(bag: Bag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that has two of the tiny tasks."""
    torch.set_num_threads(1)
    two = lambda self, model=TINY: [self.task(model, name) for name in ("pair", "span")]  # noqa: E731
    monkeypatch.setattr(Bag, "tiny", two)
    return Job("cpu", bag, tmp_path)


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run first light, in processes that find no package which a machine with a GPU may lack."""
    site = folder.with_name(f"{folder.name}-site")
    site.mkdir()
    blocker = f"import sys\nsys.modules.update(dict.fromkeys({LACKING}))\n"
    (site / "sitecustomize.py").write_text(blocker)
    command = [sys.executable, "-m", "bench.first_light", "--out", str(folder), *arguments]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT), str(site)])
    environment = {**os.environ, "PYTHONPATH": paths, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def found(folder: Path) -> Any:
    return json.loads((folder / first_light.NAME).read_text())


def test_without_a_gpu_it_says_so_and_ends(tmp_path: Path) -> None:
    ended = started(tmp_path / "out")
    assert ended.stdout == "bench.first_light: no GPU here, nothing was checked\n"
    assert ended.returncode == first_light.NO_GPU
    assert not (tmp_path / "out").exists()


def test_a_check_leaves_its_figures(bag: Bag, tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(bag.folder), "--only", "memory"]
    ended = started(tmp_path, *told, "--commit", "c0ffee")
    assert ended.returncode == first_light.ALL_RIGHT, ended.stderr
    check = found(tmp_path)["checks"]["memory"]
    assert check["ended"] == "to its end"
    assert 0 < check["rows"][0]["own_mb"] <= check["rows"][0]["asked_mb"] == 1000
    assert found(tmp_path)["machine"]["commit"] == "c0ffee"
    assert "| memory | 1 of 1 | to its end |" in "\n".join(section(found(tmp_path)))


def test_one_check_that_fails_does_not_stop_the_rest(tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(tmp_path), "--only", "families", "memory"]
    ended = started(tmp_path, *told)
    assert ended.returncode == first_light.SOMETHING_WRONG
    assert ended.stdout.endswith("families: exit status 1\nmemory: exit status 1\n")
    assert "FileNotFoundError" in (tmp_path / "log.txt").read_text()


def test_a_check_ends_when_its_time_is_over(bag: Bag, tmp_path: Path) -> None:
    told = ["--device", "cpu", "--material", str(bag.folder), "--only", "forms"]
    ended = started(tmp_path, *told, "--share", "0.001")
    assert ended.returncode == first_light.SOMETHING_WRONG
    assert found(tmp_path)["checks"]["forms"]["ended"] == "no time left"


def test_losses_are_those_of_a_plain_loop(job: Job) -> None:
    rows = list(equality.forms(job))
    assert [row["what"] for row in rows[1:3]] == ["pair, fp32", "pair, bf16"]
    assert all(row["ok"] for row in rows)


def test_other_losses_are_seen(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SEED", 6)
    wanted = runs.plain_curve(job.bag.task(TINY, "pair"), equality.PLAIN)
    monkeypatch.setattr(equality, "plain_curve", lambda *_: wanted)
    monkeypatch.setattr(runs, "SEED", 5)
    assert [row["ok"] for row in equality.forms(job)][1:3] == [False, False]


def test_a_digest_is_that_of_the_run(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ([row["digest"] for row in repeats.digests(job)] for _ in range(2))
    monkeypatch.setattr(runs, "SEED", 6)
    other = [row["digest"] for row in repeats.digests(job)]
    assert first == second
    assert not set(first) & set(other)
    assert len(set(first)) == len(first)


def test_an_interrupted_run_is_resumed(job: Job) -> None:
    rows = list(repeats.resumed(job))
    assert len(rows) == 7  # two forms and an optimiser, in both precisions, and a signal
    assert all(row["ok"] for row in rows)


def test_a_run_that_was_not_interrupted_shows_nothing(job: Job) -> None:
    def make() -> runs.Built:
        return runs.build(job.bag.task(TINY, "pair"), runs.TINY, "cpu", bf16=False)

    with pytest.raises(RuntimeError, match="before it was to be interrupted"):
        runs.interrupted(make, job.folder / "run.checkpoint", after=100)


def test_runs_under_the_lock_are_carried_out(job: Job) -> None:
    """As far as a processor shows it: there no GPU is claimed."""
    rows = list(small.shared(job))
    assert [row["on_the_gpu"] for row in rows] == [0, 0]
    assert all(row["ok"] and row["steps"] for row in rows)


@needs_gpu
def test_of_two_processes_one_waits_for_the_gpu(job: Job) -> None:
    assert all(row["ok"] for row in processes.claims(replace(job, device="cuda")))
