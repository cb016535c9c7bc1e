"""After a training job that ended with an error: what is handed on, and what is recorded."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from helpers import tiny

from interlude.analysis.results import check_scores, check_trainings, to_scores, to_trainings
from interlude.jobs.arguments import JobFiles
from interlude.jobs.collect import collect
from interlude.jobs.failure import last_words, reason_of
from interlude.jobs.perform import perform
from interlude.plan.cells import Cell
from interlude.training.start import read_encoder, read_heads, read_status

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/record_failure.py"

PAIR = tiny.training("pair")
TRACEBACK = """single target: none > tiny-pair, restart 1: step 3 of 6, loss 0.512
Traceback (most recent call last):
  File "train.py", line 20, in <module>
RuntimeError: [enforce fail at alloc_cpu.cpp:118] can't allocate memory
"""


@pytest.fixture
def files(tmp_path: Path) -> JobFiles:
    folder = tmp_path / "trained" / PAIR.id
    return tiny.files(tmp_path, tmp_path, folder, keep_start=True)


def record_failure(
    monkeypatch: pytest.MonkeyPatch,
    files: JobFiles,
    status: int,
    left: int = 0,
    log: str = TRACEBACK,
) -> int:
    """Run the script and return its own exit status."""
    log_file = files.folder.parents[1] / "job.log"
    log_file.write_text(log, encoding="utf8")
    told = tiny.arguments(tiny.job(PAIR, files))
    how = ["--exit-status", str(status), "--retries-left", str(left), "--log", str(log_file)]
    monkeypatch.setattr(sys, "argv", ["record_failure.py", *told, *how])
    try:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize("status", [2, 130, 143])
@pytest.mark.parametrize("left", [0, 1])
def test_bad_input_and_interruptions_are_handed_on(
    status: int, left: int, files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record_failure(monkeypatch, files, status, left) == status
    assert not files.record.exists()


@pytest.mark.parametrize("status", [1, 137, 139])
def test_a_failure_that_is_still_to_be_retried_is_handed_on(
    status: int, files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record_failure(monkeypatch, files, status, left=1) == status
    assert not files.record.exists()


SHORT = "out of memory: "
KILLED = "killed, as the kernel does when memory is short; last words: "


@pytest.mark.parametrize(("status", "why"), [(1, SHORT), (134, SHORT), (137, KILLED), (139, SHORT)])
def test_a_failure_without_retries_left_is_recorded_with_the_last_line_of_its_log(
    status: int,
    why: str,
    files: JobFiles,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert record_failure(monkeypatch, files, status) == 0
    record = tiny.read_record(files)
    last = "RuntimeError: [enforce fail at alloc_cpu.cpp:118] can't allocate memory"
    assert record["status"] == "failed"
    assert record["reason"] == f"exit status {status}: {why}{last}"
    assert record["code_digest"] == "c0de"
    name = "single target: none > tiny-pair, restart 1"
    assert capsys.readouterr().err == f"recorded as failed: {name}: {record['reason']}\n"
    assert tiny.read_predictions(files) == []


def test_a_record_of_a_failure_is_a_whole_row_of_both_tables(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_failure(monkeypatch, files, 1)
    cell = Cell("single", "target", "none", None, "tiny-pair", 1, None, PAIR.id)
    found = collect("tiny", [cell], files.folder.parent)
    scores, trainings = check_scores(to_scores(found.scores), "s"), to_trainings(found.trainings)
    assert scores.loc[0, ["form", "metric", "status"]].tolist() == ["pair", "matthews", "failed"]
    assert check_trainings(trainings, "t").loc[0, ["training", "seed"]].tolist() == [PAIR.id, 5]


def test_a_failure_leaves_a_start_without_weights(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_failure(monkeypatch, files, 1)
    assert files.own_start is not None
    assert read_status(files.own_start) == "failed"
    assert read_encoder(files.own_start) == {}
    assert read_heads(files.own_start) == {"tiny-pair": {}}


def test_a_failure_keeps_the_checkpoint_for_whoever_tries_again(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.folder.mkdir(parents=True)
    files.checkpoint.write_bytes(b"the state after 1,000 steps")
    record_failure(monkeypatch, files, 1)
    assert files.checkpoint.read_bytes() == b"the state after 1,000 steps"


def test_a_training_from_a_failed_start_fails_with_it(
    files: JobFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record_failure(monkeypatch, files, 1)
    places = tiny.files(tmp_path, tmp_path, tmp_path / "next", start=files.own_start)
    span = tiny.training("span", start=PAIR.id)
    perform(tiny.job(span, places), 1, lambda _: None)
    record = tiny.read_record(places)
    assert (record["training"], record["start"]) == (span.id, PAIR.id)
    assert (record["status"], record["reason"]) == ("failed", "source tiny-pair: failed")
    assert tiny.read_predictions(places) == []


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("one\ntwo\n\n  \n", "two"),
        ("  one  ", "one"),
        ("", "no message"),
        ("\n\n", "no message"),
        ("a\rb\nError: é🙂\n", "Error: é🙂"),
    ],
)
def test_last_words_are_the_last_line_that_says_something(
    log: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "job.log"
    path.write_text(log, encoding="utf8")
    assert last_words(path) == words


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("MemoryError:", "exit status 1: out of memory: MemoryError:"),
        ("what():  std::bad_alloc", "exit status 1: out of memory: what():  std::bad_alloc"),
        ("CUBLAS_STATUS_ALLOC_FAILED", "exit status 1: out of memory: CUBLAS_STATUS_ALLOC_FAILED"),
        ("KeyError: 'label'", "exit status 1: KeyError: 'label'"),
    ],
)
def test_a_reason_says_when_memory_was_short(words: str, reason: str, tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text(words)
    assert reason_of(1, log) == reason


def test_last_words_survive_a_missing_log_and_broken_bytes(tmp_path: Path) -> None:
    assert last_words(tmp_path / "gone.log") == "no message"
    path = tmp_path / "job.log"
    path.write_bytes(b"fine\nbad \xff byte\n")
    assert last_words(path).startswith("bad ")
