"""From records to the tables of scores and trainings, and the end of a study that has lost some."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from helpers import tiny

from interlude.analysis.results import read_runs, to_trainings
from interlude.errors import InputError
from interlude.jobs.collect import collect, read_record, record_path, require_finished
from interlude.jobs.failure import leave_without_result
from interlude.jobs.record import planned_part, write_predictions, write_record
from interlude.plan.cells import SWEEP, Cell, to_csv
from interlude.plan.trainings import Training

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
SOURCE = tiny.training("single")
ALONE = tiny.training("pair")
AFTER = tiny.training("pair", start=SOURCE.id)
OTHER = replace(AFTER, seed=6)
# Baseline and target alike read one training, as do both of its names: in a study where the task
# is both a target and an intermediate task.
PLANNED = [
    Cell("stilts", "intermediate", "none", None, "tiny-single", 1, None, SOURCE.id),
    Cell("single", "target", "none", None, "tiny-single", 1, None, SOURCE.id),
    Cell("single", "target", "none", None, "tiny-pair", 1, None, ALONE.id),
    Cell("stilts", "target", "tiny-single", None, "tiny-pair", 1, None, AFTER.id),
    Cell("stilts", "target", "tiny-single", None, "tiny-pair", 2, None, OTHER.id),
]


def write(trained: Path, training: Training, **facts: Any) -> Path:
    """Write the record of a training that ended well, unless the facts say something else."""
    path = record_path(trained, training.id)
    measured = {"score": 0.5, "validation_examples": 2, "train_examples": 24}
    part = planned_part(training.part) | measured
    outcome = {"status": "ok", "reason": None, "tokens": 100, "parts": [part]} | facts
    write_predictions(path.with_name("predictions.parquet"), ["a", "b"], [0, 1], [1, 1])
    write_record(tiny.job(training, tiny.files(trained, trained, path.parent)), outcome)
    return path


def lose(trained: Path, training: Training, status: str, reason: str) -> Path:
    """Write the record of a training without a result."""
    files = tiny.files(trained, trained, trained / training.id)
    leave_without_result(tiny.job(training, files), status, reason)
    return files.record


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder with a record of every planned training."""
    for training in (SOURCE, ALONE, AFTER, OTHER):
        write(tmp_path / "trained", training)
    return tmp_path / "trained"


def test_scores_have_one_row_per_cell_in_the_order_of_the_plan(trained: Path) -> None:
    found = collect("tiny", PLANNED, trained).scores
    cells = [{name: row[name] for name in vars(PLANNED[0])} for row in found]
    assert cells == [vars(cell) for cell in PLANNED]
    told = {(row["study"], row["status"], row["score"], row["form"]) for row in found}
    assert told == {("tiny", "ok", 0.5, "single"), ("tiny", "ok", 0.5, "pair")}


def test_cells_of_one_training_read_one_record(trained: Path) -> None:
    found = collect("tiny", PLANNED, trained)
    assert [row["training"] for row in found.scores[:2]] == [SOURCE.id, SOURCE.id]
    assert [row["training"] for row in found.trainings] == [
        each.id for each in (SOURCE, ALONE, AFTER, OTHER)
    ]


def test_a_training_tells_its_start_which_stands_before_it_though_no_cell_reads_it(
    trained: Path,
) -> None:
    first = tiny.training("span")
    middle = replace(SOURCE, start=first.id)
    last = replace(ALONE, start=middle.id)
    for training in (first, middle, last):
        write(trained, training)
    cell = replace(PLANNED[3], training=last.id)
    found = collect("tiny", [cell], trained)
    assert [(row["training"], row["start"]) for row in found.trainings] == [
        *((first.id, None), (middle.id, first.id), (last.id, middle.id))
    ]
    assert [row["tokens"] for row in found.trainings] == [100] * 3


def test_a_training_tells_what_it_was_compared_with_which_stands_before_it(trained: Path) -> None:
    compared = tiny.training("choice", references=(AFTER.id, ALONE.id))
    write(trained, compared)
    cell = replace(PLANNED[3], task="tiny-choice", training=compared.id)
    told = to_trainings(collect("tiny", [cell], trained).trainings)
    assert told["training"].tolist() == [SOURCE.id, AFTER.id, ALONE.id, compared.id]
    assert json.loads(told["references"].iloc[-1]) == [AFTER.id, ALONE.id]
    assert told["references"].isna().sum() == 3


def test_a_training_tells_the_masked_accuracy_that_no_cell_is(trained: Path) -> None:
    part = {"task": "mlm", "form": "mlm", "score": 0.4, "validation_examples": 2}
    write(trained, SOURCE, parts=[part])
    told = to_trainings(collect("tiny", PLANNED[2:4], trained).trainings).set_index("training")
    assert told["masked_accuracy"].dropna().to_dict() == {SOURCE.id: 0.4}


def test_a_cell_without_a_record_is_missing(trained: Path) -> None:
    record_path(trained, AFTER.id).unlink()
    scores, trainings = vars(collect("tiny", PLANNED, trained)).values()
    lost = vars(PLANNED[3]) | {"study": "tiny", "status": "missing", "reason": "no record"}
    assert scores[3] == lost
    assert [row["status"] for row in scores] == ["ok", "ok", "ok", "missing", "ok"]
    assert {"training": AFTER.id} in trainings


def test_a_start_that_is_gone_takes_no_score_along(trained: Path) -> None:
    record_path(trained, SOURCE.id).unlink()
    found = collect("tiny", PLANNED[2:], trained)
    assert [row["status"] for row in found.scores] == ["ok"] * 3


def test_a_study_without_any_record_is_all_missing(tmp_path: Path) -> None:
    found = collect("tiny", PLANNED, tmp_path / "no-such-folder")
    assert [row["status"] for row in found.scores] == ["missing"] * len(PLANNED)


def test_records_of_trainings_that_are_not_planned_are_left_out(trained: Path) -> None:
    write(trained, replace(ALONE, seed=8))
    found = collect("tiny", PLANNED, trained)
    assert (len(found.scores), len(found.trainings)) == (5, 4)


def test_a_cell_of_the_sweep_keeps_its_point(trained: Path) -> None:
    tried = [Cell(SWEEP, "target", "none", None, "tiny-pair", None, 3, ALONE.id)]
    (row,) = collect("", tried, trained).scores
    assert (row["arm"], row["point"], row["restart"], row["score"]) == (SWEEP, 3, None, 0.5)


def test_failed_and_diverged_records_keep_status_and_reason(trained: Path) -> None:
    for training, status in ((ALONE, "failed"), (AFTER, "diverged")):
        lose(trained, training, status, f"why it {status}")
    found = collect("tiny", PLANNED, trained).scores
    assert [row["status"] for row in found] == ["ok", "ok", "failed", "diverged", "ok"]
    assert [row["reason"] for row in found[2:4]] == ["why it failed", "why it diverged"]
    assert "score" not in found[2]


def test_a_record_without_the_task_of_its_cell_is_named(trained: Path) -> None:
    wrong = replace(PLANNED[0], task="tiny-span")
    message = f"{record_path(trained, SOURCE.id)}: key parts: unknown task 'tiny-span'"
    with pytest.raises(InputError, match=message):
        collect("tiny", [wrong], trained)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a whole record"),
        ('{"schema_version": 2, "training":', "not a whole record"),
        ("\x00\x00", "not a whole record"),
        ("[]", "key schema_version: found None"),
        ("null", "key schema_version: found None"),
        ("{}", r"key schema_version: found None\. Allowed: 2"),
        ('{"schema_version": 2, "parts": []}', r"no key 'status'\. Delete it"),
        ('{"schema_version": 2, "status": "ok"}', r"no key 'parts'\. Delete it"),
        ('{"schema_version": 2, "status": "ok", "parts": [{}]}', r"no key 'parts\.task'"),
        ('{"schema_version": 1}', r"key schema_version: found 1\. Allowed: 2.*another release"),
    ],
)
def test_a_broken_record_is_named(trained: Path, content: str, message: str) -> None:
    path = record_path(trained, ALONE.id)
    path.write_text(content, encoding="utf8")
    with pytest.raises(InputError, match=f"{path}: {message}"):
        collect("tiny", PLANNED, trained)


def test_bytes_that_are_no_text_are_no_record(trained: Path) -> None:
    path = record_path(trained, ALONE.id)
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="not a whole record"):
        read_record(path)


@pytest.mark.parametrize("kept", [None, 0, 300, -1])
def test_a_record_without_its_whole_predictions_is_refused(kept: int | None, trained: Path) -> None:
    record = record_path(trained, ALONE.id)
    predictions = record.with_name("predictions.parquet")
    whole = predictions.read_bytes()
    predictions.unlink() if kept is None else predictions.write_bytes(whole[:kept])
    message = f"{predictions}: not the whole predictions .*Delete {record} and run again"
    with pytest.raises(InputError, match=message):
        collect("tiny", PLANNED, trained)


def test_predictions_of_another_training_are_refused(trained: Path) -> None:
    record = record_path(trained, ALONE.id)
    write_predictions(record.with_name("predictions.parquet"), ["a"], [0], [1])
    with pytest.raises(InputError, match=r"found 1 rows .*, expected 2 of"):
        collect("tiny", PLANNED, trained)


def test_a_changed_byte_in_predictions_changes_no_value_unseen(trained: Path) -> None:
    path = trained / ALONE.id / "predictions.parquet"
    whole, wanted = path.read_bytes(), pq.read_table(path).to_pylist()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(flipped(whole, place))
        try:
            read_record(path.with_name("record.json"))
        except InputError:
            refused += 1
        else:
            assert pq.read_table(path).to_pylist() == wanted
    assert refused > len(whole) / 12


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


# The end of a study


def test_a_study_whose_cells_have_results_is_finished(trained: Path) -> None:
    lose(trained, ALONE, "diverged", "the loss was not finite")
    assert require_finished(PLANNED, trained) == len(PLANNED)


def test_lost_cells_are_named_with_their_reason_and_the_command_that_retries(trained: Path) -> None:
    failed = lose(trained, SOURCE, "failed", "exit status 1: a fault")
    missing = record_path(trained, AFTER.id)
    missing.unlink()
    with pytest.raises(InputError) as raised:
        require_finished(PLANNED, trained)
    assert str(raised.value).splitlines() == [
        "3 of 5 scores have no result; tables and figures list them.",
        "  stilts intermediate: none > tiny-single, restart 1: exit status 1: a fault",
        "  single target: none > tiny-single, restart 1: exit status 1: a fault",
        "  stilts target: tiny-single > tiny-pair, restart 1: no record",
        f"To try them again: snakemake --cores all --forcerun {failed} {missing}",
    ]


def test_what_no_cell_is_read_from_and_was_needed_is_tried_again_too(trained: Path) -> None:
    between = lose(trained, SOURCE, "failed", "a fault")
    lose(trained, AFTER, "failed", "source tiny-single: failed")
    compared = tiny.training("choice", references=(AFTER.id, ALONE.id))
    lost = lose(trained, compared, "failed", "tiny-pair alone, to compare with: failed")
    cell = Cell("mtl", "target", "tiny-pair", None, "tiny-choice", 1, None, compared.id)
    again = f"--forcerun {between} {record_path(trained, AFTER.id)} {lost}$"
    with pytest.raises(InputError, match=again):
        require_finished([cell], trained)


# The scripts


def run_script(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    """Run a script in this process and return its exit status."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def plan_of(trained: Path) -> Path:
    """Write the plan beside the folder of trainings, with a cell of a sweep, which is no score."""
    path = trained.with_name("plan.csv")
    tried = Cell(SWEEP, "target", "none", None, "tiny-pair", None, 1, "0" * 16)
    path.write_text(to_csv([*PLANNED, tried]))
    return path


def collect_into(monkeypatch: pytest.MonkeyPatch, trained: Path, out: Path) -> int:
    told = ["--study", "tiny", "--plan", str(plan_of(trained)), "--trained", str(trained)]
    tables = ["--data", "none", "--contrasts", "[]", "--scores", str(out / "scores.parquet")]
    tables += ["--trainings", str(out / "trainings.parquet")]
    return run_script(monkeypatch, "collect_scores.py", *told, *tables)


def test_collect_scores_writes_both_tables_as_parquet_and_csv(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(trained, ALONE, "failed", "why")
    record_path(trained, AFTER.id).unlink()
    assert collect_into(monkeypatch, trained, tmp_path) == 0
    runs = read_runs(tmp_path / "scores.parquet", tmp_path / "trainings.parquet")
    assert list(runs["status"]) == ["ok", "ok", "failed", "missing", "ok"]
    assert list(runs["training"]) == [cell.training for cell in PLANNED]
    assert list(runs["source_seed"].fillna(0)) == [0, 0, 0, 0, 5]
    assert len(pd.read_csv(tmp_path / "scores.csv")) == len(PLANNED)
    assert len(pd.read_csv(tmp_path / "trainings.csv")) == 4


def test_collecting_twice_gives_the_same_bytes(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        assert collect_into(monkeypatch, trained, tmp_path / name) == 0
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("a", "b")
    )
    assert first == second
    assert len(first) == 4


def test_collect_scores_ends_with_status_2_on_a_broken_record_and_keeps_the_old_tables(
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables = tmp_path / "tables"
    collect_into(monkeypatch, trained, tables)
    before = {path: path.read_bytes() for path in tables.iterdir()}
    broken = record_path(trained, SOURCE.id)
    broken.write_text("{", encoding="utf8")
    assert collect_into(monkeypatch, trained, tables) == 2
    assert f"error: {broken}: not a whole record" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tables.iterdir()} == before


@pytest.mark.parametrize("lost", [False, True])
def test_check_scores_ends_with_status_2_and_writes_nothing_when_scores_are_lost(
    lost: bool,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if lost:
        lose(trained, ALONE, "failed", "a fault")
    out = tmp_path / "complete.txt"
    told = ["--plan", str(plan_of(trained)), "--trained", str(trained), "--out", str(out)]
    status = run_script(monkeypatch, "check_scores.py", *told)
    said = capsys.readouterr().err
    if lost:
        assert (status, out.exists()) == (2, False)
        assert "single target: none > tiny-pair, restart 1: a fault" in said
        assert f"--forcerun {record_path(trained, ALONE.id)}" in said
    else:
        assert (status, said) == (0, "")
        assert out.read_text() == f"{len(PLANNED)} scores, each with a result.\n"


@pytest.mark.parametrize("script", ["collect_scores.py", "check_scores.py"])
def test_a_missing_plan_is_named(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"plan": tmp_path / "plan.csv", "trained": tmp_path}
    if script == "collect_scores.py":
        told |= {
            "data": tmp_path / "data",
            "contrasts": "[]",
            "scores": tmp_path / "s.parquet",
            "trainings": tmp_path / "t.parquet",
        }
    options = {"study": "tiny"} if script == "collect_scores.py" else {"out": tmp_path / "out"}
    line = [f"--{name}={value}" for name, value in {**told, **options}.items()]
    assert run_script(monkeypatch, script, *line) == 2
    assert f"error: {tmp_path}/plan.csv: No such file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_json_that_any_reader_understands(trained: Path) -> None:
    path = record_path(trained, SOURCE.id)
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == read_record(path)
