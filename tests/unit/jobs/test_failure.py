"""After a training job that ended with an error: what is handed on, and what is recorded."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import tiny
from interlude.analysis.runs import check, to_table

from interlude.jobs.arguments import RunFiles
from interlude.jobs.failure import last_words, reason_of
from interlude.jobs.perform import perform
from interlude.training.start import read_status

SCRIPT = Path(__file__).parents[3] / "workflow/scripts/record_failure.py"

TRACEBACK = """target none > tiny-pair, restart 1: step 3 of 6, loss 0.512
Traceback (most recent call last):
  File "train.py", line 20, in <module>
RuntimeError: [enforce fail at alloc_cpu.cpp:118] can't allocate memory
"""


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    encoder = tmp_path / "starts/1"
    return tiny.files(tmp_path, tmp_path, tmp_path / "runs", encoder_out=encoder)


def record_failure(
    monkeypatch: pytest.MonkeyPatch,
    files: RunFiles,
    status: int,
    left: int = 0,
    log: str = TRACEBACK,
) -> int:
    """Run the script and return its own exit status."""
    log_file = files.record.parents[1] / "run.log"
    log_file.write_text(log, encoding="utf8")
    told = tiny.arguments(tiny.spec("pair"), files)
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
    status: int, left: int, files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record_failure(monkeypatch, files, status, left) == status
    assert not files.record.exists()


@pytest.mark.parametrize("status", [1, 137, 139])
def test_a_failure_that_is_still_to_be_retried_is_handed_on(
    status: int, files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record_failure(monkeypatch, files, status, left=1) == status
    assert not files.record.exists()


SHORT = "out of memory: "
KILLED = "killed, as the kernel does when memory is short; last words: "


@pytest.mark.parametrize(("status", "why"), [(1, SHORT), (134, SHORT), (137, KILLED), (139, SHORT)])
def test_a_failure_without_retries_left_is_recorded_with_the_last_line_of_its_log(
    status: int,
    why: str,
    files: RunFiles,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert record_failure(monkeypatch, files, status) == 0
    record = tiny.read_record(files)
    last = "RuntimeError: [enforce fail at alloc_cpu.cpp:118] can't allocate memory"
    assert record["status"] == "failed"
    assert record["reason"] == f"exit status {status}: {why}{last}"
    assert record["code_digest"] == "c0de"
    assert record["reason"] in capsys.readouterr().err
    check(to_table([record]), where="record")
    assert tiny.read_predictions(files) == []
    assert files.encoder_out is not None
    assert read_status(files.encoder_out) == "failed"


def test_a_run_from_a_failed_source_fails_with_it(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    record_failure(monkeypatch, files, 1)
    assert files.encoder_out is not None
    places = tiny.files(tmp_path, tmp_path, tmp_path / "next", encoder_in=files.encoder_out)
    spec = tiny.spec("span", source="tiny-pair")
    perform(spec, places, code="c0de", threads=1, say=lambda _: None)
    record = tiny.read_record(places)
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
    path = tmp_path / "run.log"
    path.write_text(log, encoding="utf8")
    assert last_words(path) == words


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("MemoryError:", "exit status 1: out of memory: MemoryError:"),
        ("what():  std::bad_alloc", "exit status 1: out of memory: what():  std::bad_alloc"),
        ("KeyError: 'label'", "exit status 1: KeyError: 'label'"),
    ],
)
def test_a_reason_says_when_memory_was_short(words: str, reason: str, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    log.write_text(words)
    assert reason_of(1, log) == reason


def test_last_words_survive_a_missing_log_and_broken_bytes(tmp_path: Path) -> None:
    assert last_words(tmp_path / "gone.log") == "no message"
    path = tmp_path / "run.log"
    path.write_bytes(b"fine\nbad \xff byte\n")
    assert last_words(path).startswith("bad ")
