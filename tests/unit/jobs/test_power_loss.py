"""Power that is lost between any two file operations of a program: nothing half done looks done.

Each program runs under `lose_power.py`, again and again in the same folder, and is lost one
operation later each time, until it gets to its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny
from helpers.synthetic import awkward_tables

from interlude.analysis.results import write_results
from interlude.files import MANIFEST
from interlude.jobs.failure import leave_without_result
from interlude.jobs.record import planned_part, write_predictions, write_record
from interlude.jobs.runtime import owner
from interlude.jobs.warm.between import OWNER
from interlude.jobs.warm.server import MODEL
from interlude.plan.cells import Cell, to_csv
from interlude.plan.trainings import Training

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "workflow/scripts"
LOSE_POWER = ROOT / "tests/helpers/lose_power.py"
KILLED = 137
AT_THE_END = 0
UNDISTURBED = 10_000  # touches of a folder, more than a program has

Arguments = Callable[[Path], list[Any]]
Contents = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def family(model: Path) -> Iterator[None]:
    """The process that all programs are forks of has imported what the tiny model needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MODEL, str(model))
        yield


def run(lost_at: int, folder: Path, script: str, arguments: list[Any]) -> int:
    """Run a program that loses power at its n-th touch of a folder; return its exit status."""
    command = [LOSE_POWER, lost_at, folder, SCRIPTS / script, *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "interlude.jobs.warm", *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), OWNER: owner(os.getpid())},
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode in (0, KILLED), done.stdout
    return done.returncode


def contents(folder: Path) -> Contents:
    """Return all files but temporary ones by their paths, without the times in a record."""
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: content(path) for name, path in paths.items() if "/." not in f"/{name}"}


def content(path: Path) -> Any:
    if path.suffix != ".json":
        return path.read_bytes()
    document = json.loads(path.read_text())
    return {
        key: value
        for key, value in document.items()
        if not (key.endswith("_seconds") or key == "peak_memory_bytes")
    }


def check_every_loss(
    tmp_path: Path, script: str, arguments: Arguments, last: str, *passing: str
) -> None:
    """Lose power at every touch, each time from where the loss before left it.

    arguments: of the program, for the folder that it writes to. last: the file that tells that all
    others are there. passing: files that are gone in the end.
    """
    whole, folder = tmp_path / "whole", tmp_path / "broken"
    for each in (whole, folder):
        each.mkdir()
    assert run(AT_THE_END, whole, script, arguments(whole)) == KILLED
    wanted = contents(whole)
    assert last in wanted
    for lost_at in count(1):
        status = run(lost_at, folder, script, arguments(folder))
        found = contents(folder)
        for name in set(found) - set(passing):
            assert found[name] == wanted[name], f"{name} after the loss at touch {lost_at}"
        if last in found:
            assert set(found) - set(passing) == set(wanted), f"after the loss at touch {lost_at}"
        if status == 0:
            break
    assert lost_at > len(wanted) * 3  # to open, to sync, to rename
    assert found == wanted
    assert [path.name for path in folder.rglob(".*")] == []


def of_training(training: Training, model: Path, encoded: Path, *more: str) -> Arguments:
    def arguments(folder: Path) -> list[Any]:
        files = tiny.files(model, encoded, folder / "one", keep_start=True)
        return [*tiny.arguments(tiny.job(training, files)), *more]

    return arguments


def test_training(model: Path, encoded: dict[str, Path], tmp_path: Path) -> None:
    training = tiny.training("single", settings=tiny.settings(epochs=1))
    arguments = of_training(training, model, encoded["single"], "--checkpoint-minutes", "0")
    passing = "one/checkpoint.safetensors"
    check_every_loss(tmp_path, "train.py", arguments, "one/record.json", passing)


def test_a_training_that_is_taken(model: Path, encoded: dict[str, Path], tmp_path: Path) -> None:
    training, shared = tiny.training("single", settings=tiny.settings(epochs=1)), tmp_path / "all"
    arguments = of_training(training, model, encoded["single"], f"--shared={shared}")
    (tmp_path / "first").mkdir()
    assert run(UNDISTURBED, tmp_path / "first", "train.py", arguments(tmp_path / "first")) == 0
    check_every_loss(tmp_path, "train.py", arguments, "one/record.json")


def test_encoding(model: Path, tmp_path: Path) -> None:
    parts = dict.fromkeys(("train", "validation"), tiny.rows("pair", 6))
    data = tiny.write_task(tmp_path / "data", "pair", parts)
    told = ["--data", data, "--model", model, "--form", "pair", "--max-length", 16]
    check_every_loss(
        tmp_path, "encode.py", lambda out: [*told, "--out", out / "16"], f"16/{MANIFEST}"
    )


def test_normalising(tmp_path: Path) -> None:
    rows = map(json.dumps, tiny.source_rows("pair", 10))
    (tmp_path / "rows.jsonl").write_text("\n".join(rows))
    task = tiny.task_file("pair") | {"source": {"files": {"all": str(tmp_path / "rows.jsonl")}}}
    declared = tiny.write_yaml(tmp_path / "tiny-pair.yaml", task)
    told = ["--task", declared]
    check_all_is_synced(tmp_path, "normalise.py", lambda out: [*told, "--out", out / "a"])


def test_preparing_a_model(model: Path, tmp_path: Path) -> None:
    about = {"name": "mine", "title": "Mine", "licence": "none", "folder": str(model)}
    told = ["--model", tiny.write_yaml(tmp_path / "mine.yaml", about)]
    check_every_loss(
        tmp_path, "prepare_model.py", lambda out: [*told, "--out", out / "a"], f"a/{MANIFEST}"
    )


def test_collecting(tmp_path: Path) -> None:
    training, trained, plan = tiny.training("pair"), tmp_path / "trained", tmp_path / "plan.csv"
    files = tiny.files(tmp_path, tmp_path, trained / training.id)
    write_predictions(files.predictions, ["a"], [0], [1])
    part = planned_part(training.part) | {"score": 0.5, "validation_examples": 1}
    write_record(tiny.job(training, files), {"status": "ok", "parts": [part]})
    cell = Cell("single", "target", "none", None, "tiny-pair", 1, None, training.id)
    plan.write_text(to_csv([cell]))
    told = ["--study", "tiny", "--plan", plan, "--trained", trained]
    told += ["--data", tmp_path / "data", "--contrasts", "[]"]

    def arguments(out: Path) -> list[Any]:
        tables = {name: out / f"{name}.parquet" for name in ("scores", "trainings")}
        return [*told, *(f"--{name}={path}" for name, path in tables.items())]

    check_every_loss(tmp_path, "collect_scores.py", arguments, "trainings.parquet")


def test_pruning(tmp_path: Path) -> None:
    files = tiny.files(tmp_path, tmp_path, tmp_path / "trained/1", keep_start=True)
    leave_without_result(tiny.job(tiny.training("pair"), files), "failed", "why")
    told = ["--results", tmp_path, "--delete"]
    ended = (run(lost_at, tmp_path, "prune.py", told) for lost_at in count(1))
    assert len(list(takewhile(bool, ended))) > 1
    assert not files.folder.exists()


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The arguments of the programs that make tables and figures of scores and trainings."""
    folder = tmp_path_factory.mktemp("tables")
    told: list[Any] = ["--options", '{"statistics": {"resamples": 20}}']
    for name, table in zip(("scores", "trainings"), awkward_tables(), strict=True):
        write_results(table, folder / f"{name}.parquet")
        told += [f"--{name}", folder / f"{name}.parquet"]
    return told


def test_tables(analysis: list[Any], tmp_path: Path) -> None:
    check_all_is_synced(
        tmp_path, "make_tables.py", lambda out: [*analysis, "--out", out / "tables"]
    )


def test_figures(analysis: list[Any], tmp_path: Path) -> None:
    told = [*analysis, "--tables", tmp_path, "--figures", "spread"]
    check_all_is_synced(tmp_path, "make_figures.py", lambda out: [*told, "--out", out / "figures"])


def check_all_is_synced(tmp_path: Path, script: str, arguments: Arguments) -> None:
    """Lose power right after the end of a program that writes many files."""
    whole, folder = tmp_path / "whole", tmp_path / "broken"
    for each in (whole, folder):
        each.mkdir()
    assert run(UNDISTURBED, whole, script, arguments(whole)) == 0
    assert run(AT_THE_END, folder, script, arguments(folder)) == KILLED
    wanted = contents(whole)
    assert wanted
    assert contents(folder) == wanted
