"""Clearing up: what no plan names is found and deleted, and nothing else is."""

from __future__ import annotations

import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.jobs.failure import leave_without_result
from interlude.jobs.prune import delete, unnamed_trainings
from interlude.jobs.shared import put, take
from interlude.plan.cells import SWEEP, Cell, to_csv
from interlude.plan.trainings import Training

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/prune.py"

FIRST = tiny.training("single")
SECOND = tiny.training("choice", start=FIRST.id)
THIRD = tiny.training("pair", start=SECOND.id)
ALONE = tiny.training("span")
ALL = (FIRST, SECOND, THIRD, ALONE)

Trained = Callable[..., Path]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder of results in which four trainings were done, and that no study has a plan of."""
    for training in ALL:
        leave(tmp_path / "results", training)
    return tmp_path / "results"


def leave(results: Path, training: Training) -> Path:
    folder = results / "trained" / training.id
    files = tiny.files(results, results, folder, keep_start=True)
    leave_without_result(tiny.job(training, files), "failed", "why")
    return folder


def plan(results: Path, study: str, *trainings: Training, arm: str = "stilts") -> Path:
    """Write the plan of a study with a cell of each training."""
    cells = [
        Cell(arm, "target", "none", None, each.part.task, 1, None, each.id) for each in trainings
    ]
    path = results / study / "plan.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(to_csv(cells))
    return path


def found(results: Path) -> set[str]:
    return {each.folder.name for each in unnamed_trainings(results)}


def ids(*trainings: Training) -> set[str]:
    return {each.id for each in trainings}


def test_what_one_with_a_name_was_compared_with_is_needed(results: Path) -> None:
    compared = tiny.training("tagging", references=(FIRST.id, SECOND.id))
    leave(results, compared)
    plan(results, "one", compared)
    assert found(results) == ids(THIRD, ALONE)


def test_what_no_plan_names_is_found(results: Path) -> None:
    assert found(results) == ids(*ALL)
    plan(results, "one", FIRST)
    assert found(results) == ids(SECOND, THIRD, ALONE)
    plan(results, "two", ALONE)
    assert found(results) == ids(SECOND, THIRD)


def test_what_a_named_one_starts_from_is_kept_stage_by_stage(results: Path) -> None:
    plan(results, "one", THIRD)
    assert found(results) == ids(ALONE)


def test_what_a_sweep_tried_has_a_name(results: Path) -> None:
    plan(results, "one", ALONE, arm=SWEEP)
    assert found(results) == ids(FIRST, SECOND, THIRD)


def test_a_planned_training_that_is_still_to_be_done_is_no_error(results: Path) -> None:
    shutil.rmtree(results / "trained" / THIRD.id)
    plan(results, "one", THIRD, ALONE)
    assert found(results) == ids(FIRST, SECOND)


def test_there_may_be_no_trainings_at_all(tmp_path: Path) -> None:
    assert unnamed_trainings(tmp_path) == []


def test_each_is_told_with_its_tasks_and_its_size_the_largest_first(results: Path) -> None:
    plan(results, "one", THIRD)
    under_way = results / "trained" / ("0" * 16)
    under_way.mkdir()
    (under_way / "checkpoint.safetensors").write_bytes(bytes(10**6))
    largest, other = unnamed_trainings(results)
    assert (largest.folder, largest.tasks, largest.size) == (under_way, "no record", 10**6)
    files = [path for path in other.folder.rglob("*") if path.is_file()]
    assert len(files) == 5  # record, predictions; encoder, heads and manifest of the start
    assert other.tasks == "tiny-span"
    assert other.size == sum(path.stat().st_size for path in files)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_one_with_a_broken_record_can_be_deleted_too(content: bytes, results: Path) -> None:
    (results / "trained" / ALONE.id / "record.json").write_bytes(content)
    assert {each.tasks for each in unnamed_trainings(results) if each.folder.name == ALONE.id} == {
        "no record"
    }


@pytest.mark.parametrize("content", ["", "arm,role\n", "arm,role,source,examples,task,restart"])
def test_a_broken_plan_refuses_since_what_it_names_is_not_known(
    content: str, results: Path
) -> None:
    plan(results, "one", FIRST).write_text(content)
    with pytest.raises(InputError, match=rf"{results}/one/plan\.csv: found the columns"):
        unnamed_trainings(results)


def test_deleted_are_the_folders_that_were_found_and_no_others(results: Path) -> None:
    plan(results, "one", THIRD)
    delete(unnamed_trainings(results), shared=None)
    assert {path.name for path in (results / "trained").iterdir()} == ids(FIRST, SECOND, THIRD)
    assert unnamed_trainings(results) == []
    assert (results / "one/plan.csv").exists()


# The folder of shared outcomes


def share(shared: Path, identity: str, training_folder: Path, **files: str) -> None:
    """Leave an outcome of a training, whose files have these contents."""
    paths = {name: training_folder / name for name in files}
    for name, content in files.items():
        paths[name].write_text(content)
    facts = {"folder": str(training_folder.absolute())}
    put(shared, identity, paths, facts, lambda _: None)


def contents(shared: Path) -> set[str]:
    return {path.read_text() for path in shared.iterdir() if path.suffix != ".json"}


def test_what_a_deleted_one_left_for_others_goes_but_no_file_of_another(
    results: Path, tmp_path: Path
) -> None:
    shared, elsewhere = tmp_path / "shared", tmp_path / "elsewhere"
    elsewhere.mkdir()
    share(shared, "1" * 64, results / "trained" / ALONE.id, predictions="its own", encoder="common")
    share(shared, "2" * 64, results / "trained" / THIRD.id, predictions="named", encoder="common")
    share(shared, "3" * 64, elsewhere, predictions="of another folder")
    (shared / "broken.json").write_text("{")
    plan(results, "one", THIRD)
    delete(unnamed_trainings(results), shared)
    assert contents(shared) == {"named", "common", "of another folder"}
    assert {path.name for path in shared.glob("*.json")} == {
        f"{'2' * 64}.json",
        f"{'3' * 64}.json",
        "broken.json",
    }
    targets = {name: tmp_path / f"taken-{name}" for name in ("predictions", "encoder")}
    assert take(shared, "2" * 64, targets, lambda _: None) is not None


def test_two_deleted_ones_with_a_file_in_common_both_go(results: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    for identity, training in zip("12", (FIRST, ALONE), strict=True):
        share(shared, identity * 64, results / "trained" / training.id, encoder="common")
    delete(unnamed_trainings(results), shared)
    assert list(shared.iterdir()) == []


def test_there_may_be_no_folder_of_shared_outcomes(results: Path, tmp_path: Path) -> None:
    delete(unnamed_trainings(results), tmp_path / "none")
    assert unnamed_trainings(results) == []


# The script


def run_script(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["prune.py", *arguments])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_the_script_lists_and_deletes_only_where_asked_to(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(results, "one", THIRD)
    gone = results / "trained" / ALONE.id
    assert run_script(monkeypatch, "--results", str(results)) == 0
    listed, total = capsys.readouterr().out.splitlines()
    assert listed.split() == ["0.0", "MB", str(gone), "tiny-span"]
    assert total.startswith("1 trainings that no plan.csv names, 0.0 MB. To delete them: snakemake")
    assert gone.exists()
    assert run_script(monkeypatch, "--results", str(results), "--delete") == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "deleted: 1 trainings that no plan.csv names, 0.0 MB"
    )
    assert not gone.exists()


def test_the_script_deletes_nothing_where_a_plan_is_broken(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(results, "one", FIRST).write_text("")
    assert run_script(monkeypatch, "--results", str(results), "--delete") == 2
    assert capsys.readouterr().err.startswith(f"error: {results}/one/plan.csv: ")
    assert {path.name for path in (results / "trained").iterdir()} == ids(*ALL)
