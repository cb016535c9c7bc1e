"""From records to the run table, and the end of a study that has lost runs."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import tiny
from interlude.analysis.runs import read_runs

from interlude.errors import InputError
from interlude.jobs.collect import collect, read_record, require_finished
from interlude.jobs.failure import leave_without_result
from interlude.jobs.record import write_predictions, write_record
from interlude.plan.study import Design, Run

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
DESIGN = Design(
    restarts=2,
    retrain_intermediate=True,
    intermediate=["tiny-single"],
    target=["tiny-pair"],
    probing=[],
)
PLANNED = list(DESIGN.runs())


def write(folder: Path, run: Run, **facts: Any) -> Path:
    """Write the record of a run that ended well, unless the facts say something else."""
    path = folder / f"{run.path}.json"
    spec = tiny.spec(run.task.removeprefix("tiny-"), **vars(run))
    found = {"status": "ok", "reason": None, "score": 0.5, "validation_examples": 2}
    write_predictions(path.with_suffix(".parquet"), ["a", "b"], [0, 1], [1, 1])
    write_record(path, spec, **{**found, **facts})
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A folder with a record of every planned run."""
    for run in PLANNED:
        write(tmp_path / "runs", run)
    return tmp_path / "runs"


def test_the_table_has_one_row_per_planned_run_in_the_order_of_the_plan(records: Path) -> None:
    table = collect("tiny", DESIGN, records)
    assert [
        Run(*row) for row in table[["kind", "source", "task", "restart"]].itertuples(index=False)
    ] == PLANNED
    assert set(table["status"]) == {"ok"}
    assert set(table["score"]) == {0.5}


def test_a_run_without_a_record_is_missing(records: Path) -> None:
    (records / f"{PLANNED[3].path}.json").unlink()
    table = collect("tiny", DESIGN, records)
    assert len(table) == len(PLANNED)
    lost = table.iloc[3]
    assert (lost["status"], lost["reason"], lost["study"]) == ("missing", "no record", "tiny")
    assert Run(*lost[["kind", "source", "task", "restart"]]) == PLANNED[3]
    assert lost[["score", "seed", "model"]].isna().all()
    assert (table.drop(index=3)["status"] == "ok").all()


def test_a_study_without_any_record_is_all_missing(tmp_path: Path) -> None:
    table = collect("tiny", DESIGN, tmp_path / "no-such-folder")
    assert list(table["status"]) == ["missing"] * len(PLANNED)


def test_records_of_runs_that_are_not_planned_are_left_out(records: Path) -> None:
    for run in (Run("target", "none", "tiny-pair", 3), Run("target", "tiny-span", "tiny-pair", 1)):
        write(records, run, score=0.9)
    table = collect("tiny", DESIGN, records)
    assert len(table) == len(PLANNED)
    assert set(table["score"]) == {0.5}


def test_failed_and_diverged_records_keep_status_and_reason(records: Path) -> None:
    for run, status in zip(PLANNED, ("failed", "diverged"), strict=False):
        write(records, run, status=status, reason=f"why it {status}", score=None)
    table = collect("tiny", DESIGN, records)
    assert list(table["status"][:3]) == ["failed", "diverged", "ok"]
    assert list(table["reason"][:2]) == ["why it failed", "why it diverged"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not a whole record"),
        ('{"schema_version": 1, "study":', "not a whole record"),
        ("\x00\x00", "not a whole record"),
        ("[]", "key schema_version: found None"),
        ("null", "key schema_version: found None"),
        ("{}", r"key schema_version: found None\. Allowed: 1"),
        ('{"schema_version": 2}', r"key schema_version: found 2\. Allowed: 1.*another release"),
    ],
)
def test_a_broken_record_is_named(records: Path, content: str, message: str) -> None:
    path = records / f"{PLANNED[2].path}.json"
    path.write_text(content, encoding="utf8")
    with pytest.raises(InputError, match=f"{path}: {message}"):
        collect("tiny", DESIGN, records)


def test_bytes_that_are_no_text_are_no_record(records: Path) -> None:
    path = records / f"{PLANNED[2].path}.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="not a whole record"):
        read_record(path)


@pytest.mark.parametrize("kept", [None, 0, 300, -1])
def test_a_record_without_its_whole_predictions_is_refused(kept: int | None, records: Path) -> None:
    record = records / f"{PLANNED[2].path}.json"
    predictions = record.with_suffix(".parquet")
    whole = predictions.read_bytes()
    predictions.unlink() if kept is None else predictions.write_bytes(whole[:kept])
    message = f"{predictions}: not the whole predictions .*Delete {record} and run again"
    with pytest.raises(InputError, match=message):
        collect("tiny", DESIGN, records)


def test_predictions_of_another_run_are_refused(records: Path) -> None:
    record = records / f"{PLANNED[2].path}.json"
    write_predictions(record.with_suffix(".parquet"), ["a"], [0], [1])
    with pytest.raises(InputError, match=r"found 1 rows .*, expected 2 of"):
        collect("tiny", DESIGN, records)


def test_a_changed_byte_in_predictions_changes_no_value_unseen(records: Path) -> None:
    path = records / f"{PLANNED[2].path}.parquet"
    whole, wanted = path.read_bytes(), pq.read_table(path).to_pylist()
    refused = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(flipped(whole, place))
        try:
            read_record(path.with_suffix(".json"))
        except InputError:
            refused += 1
        else:
            assert pq.read_table(path).to_pylist() == wanted
    assert refused > len(whole) / 12


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def test_a_record_with_an_unknown_key_is_refused(records: Path) -> None:
    write(records, PLANNED[0], scores=0.5)
    with pytest.raises(InputError, match=r"unknown key 'scores'.* 'score'"):
        collect("tiny", DESIGN, records)


# The end of a study


def test_a_study_whose_runs_have_results_is_finished(records: Path) -> None:
    write(records, PLANNED[0], status="diverged", score=None)
    require_finished(collect("tiny", DESIGN, records), records)


def test_lost_runs_are_named_with_their_reason_and_the_command_that_retries(records: Path) -> None:
    write(records, PLANNED[1], status="failed", reason="exit status 1: a fault", score=None)
    (records / f"{PLANNED[4].path}.json").unlink()
    with pytest.raises(InputError) as raised:
        require_finished(collect("tiny", DESIGN, records), records)
    failed, missing = (f"{records}/{PLANNED[i].path}.json" for i in (1, 4))
    said = str(raised.value).splitlines()
    assert said[0].startswith(f"2 of {len(PLANNED)} runs have no result")
    assert said[1:3] == [f"  {failed}: exit status 1: a fault", f"  {missing}: no record"]
    command = f"snakemake --cores all --forcerun {failed} {missing}"
    assert said[3] == f"To try them again: {command}"


# The scripts


def run_script(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    """Run a script in this process and return its exit status."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def collect_into(monkeypatch: pytest.MonkeyPatch, records: Path, out: Path) -> int:
    options = ["--study", "tiny", "--design", DESIGN.to_json()]
    places = ["--records", str(records), "--out", str(out)]
    return run_script(monkeypatch, "collect_runs.py", *options, *places)


def test_collect_runs_writes_parquet_and_csv(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_without_result(
        tiny.spec("pair", **vars(PLANNED[2])),
        tiny.files(tmp_path, tmp_path, records / PLANNED[2].path),
        "failed",
        "why",
        "c0de",
    )
    (records / f"{PLANNED[3].path}.json").unlink()
    assert collect_into(monkeypatch, records, tmp_path / "runs.parquet") == 0
    table = read_runs(tmp_path / "runs.parquet")
    wanted = collect("tiny", DESIGN, records)
    pd.testing.assert_frame_equal(table, wanted)
    assert len(pd.read_csv(tmp_path / "runs.csv")) == len(PLANNED)


def test_collecting_twice_gives_the_same_bytes(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        assert collect_into(monkeypatch, records, tmp_path / name / "runs.parquet") == 0
    for suffix in ("parquet", "csv"):
        contents = [(tmp_path / name / f"runs.{suffix}").read_bytes() for name in ("a", "b")]
        assert contents[0] == contents[1]


def test_collect_runs_ends_with_status_2_on_a_broken_record_and_keeps_the_old_table(
    records: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "runs.parquet"
    collect_into(monkeypatch, records, out)
    before = out.read_bytes()
    broken = records / f"{PLANNED[0].path}.json"
    broken.write_text("{", encoding="utf8")
    assert collect_into(monkeypatch, records, out) == 2
    assert f"error: {broken}: not a whole record" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.parametrize("lost", [False, True])
def test_check_runs_ends_with_status_2_and_writes_nothing_when_runs_are_lost(
    lost: bool,
    records: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = records / f"{PLANNED[1].path}.json"
    if lost:
        write(records, PLANNED[1], status="failed", reason="a fault", score=None)
    collect_into(monkeypatch, records, tmp_path / "runs.parquet")
    out = tmp_path / "complete.txt"
    options = ["--runs", f"{tmp_path}/runs.parquet", "--records", str(records), "--out", str(out)]
    status = run_script(monkeypatch, "check_runs.py", *options)
    said = capsys.readouterr().err
    if lost:
        assert (status, out.exists()) == (2, False)
        assert f"{failed}: a fault" in said
        assert f"--forcerun {failed}" in said
    else:
        assert (status, said) == (0, "")
        assert out.read_text() == f"{len(PLANNED)} runs, each with a result.\n"


def test_a_record_is_json_that_any_reader_understands(records: Path) -> None:
    path = records / f"{PLANNED[0].path}.json"
    record = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert record == read_record(path)
