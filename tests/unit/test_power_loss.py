"""Power that is lost between any two file operations of a program: nothing half done looks done.

Each program runs under `lose_power.py`, again and again in the same folder, and is lost one
operation later each time, until it gets to its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import tiny
from interlude.analysis.runs import write_runs
from interlude.plan.runspec import RunSpec
from synthetic import awkward_runs

from interlude.files import MANIFEST
from interlude.jobs.record import write_predictions, write_record
from interlude.jobs.warm import OWNER
from interlude.plan.study import Design, Run

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow/scripts"
LOSE_POWER = ROOT / "tests/lose_power.py"
KILLED = 137
AT_THE_END = 0
UNDISTURBED = 10_000  # touches of a folder, more than a program has

Arguments = Callable[[Path], list[Any]]
Contents = dict[str, Any]


def run(lost_at: int, folder: Path, script: str, arguments: list[Any]) -> int:
    """Run a program that loses power at its n-th touch of a folder; return its exit status."""
    command = [LOSE_POWER, lost_at, folder, SCRIPTS / script, *arguments]
    done = subprocess.run(
        [sys.executable, "-m", "interlude.jobs.warm", *map(str, command)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), OWNER: str(os.getpid())},
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
    return {key: value for key, value in document.items() if not key.endswith("_seconds")}


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


def training(spec: RunSpec, model: Path, encoded: Path, *more: str) -> Arguments:
    def arguments(folder: Path) -> list[Any]:
        encoder = folder / "encoders/1.st"
        files = tiny.files(model, encoded, folder / "runs", encoder_out=encoder)
        return [*tiny.arguments(spec, files), *more]

    return arguments


def test_training(model: Path, encoded: dict[str, Path], tmp_path: Path) -> None:
    spec = tiny.spec("single", kind="intermediate", settings=tiny.settings(epochs=1))
    arguments = training(spec, model, encoded["single"], "--checkpoint-minutes", "0")
    check_every_loss(tmp_path, "train.py", arguments, "runs/1.json", "runs/1.checkpoint")


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
    design = Design(1, retrain_intermediate=True, intermediate=[], target=["tiny-pair"], probing=[])
    record = tmp_path / f"runs/{Run('target', 'none', 'tiny-pair', 1).path}.json"
    write_predictions(record.with_suffix(".parquet"), ["a"], [0], [1])
    facts = {"status": "ok", "score": 0.5, "validation_examples": 1}
    write_record(record, tiny.spec("pair"), **facts)
    told = ["--study", "tiny", "--design", design.to_json(), "--records", tmp_path / "runs"]
    check_every_loss(
        tmp_path,
        "collect_runs.py",
        lambda out: [*told, "--out", out / "runs.parquet"],
        "runs.parquet",
    )


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The arguments of the programs that make tables and figures of a run table."""
    runs = tmp_path_factory.mktemp("runs") / "runs.parquet"
    write_runs(awkward_runs(), runs)
    return ["--runs", runs, "--options", '{"statistics": {"resamples": 20}}']


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
