"""What a user reads while a study runs, from the records that Snakemake itself logs."""

from __future__ import annotations

import io
import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from snakemake.logging import ColorizingTextHandler, DefaultFilter, DefaultFormatter
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from interlude.jobs.console import INTERRUPTED, Planned, speak_on

NAMES = {f"{n:016x}": f"single target: none > sarcasm, restart {n}" for n in range(1, 9)}
OTHERS = {"f" * 16: "features of sarcasm by pretrained tiny"}
QUIET = (Quietness.RULES, Quietness.REASON)  # as in profiles/default


class Terminal:
    """A logger set up as Snakemake sets up its own, and what it has written."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.planned, self.more = [*NAMES], False
        self.logger = logging.Logger("of a test", logging.INFO)
        self.written, self.kept = io.StringIO(), io.StringIO()
        stream = ColorizingTextHandler(nocolor=True, stream=self.written)
        stream.name = "DefaultStreamHandler"
        for handler in (stream, logging.StreamHandler(self.kept)):
            handler.setFormatter(DefaultFormatter(QUIET))
            self.logger.addHandler(handler)
        stream.addFilter(DefaultFilter(QUIET, False, False, False, False))
        speak_on(self.logger, NAMES | OTHERS, lambda: Planned(self.planned, self.more), clock)

    def begins(self, number: int, rule: str = "train_target", **wildcards: str) -> None:
        wildcards = wildcards or {"id": f"{number:016x}"}
        told = {"jobid": number, "rule_name": rule, "wildcards": wildcards, "rule_msg": None}
        self.tell(LogEvent.JOB_INFO, "begins", **told)

    def ends(self, number: int) -> None:
        self.tell(LogEvent.JOB_FINISHED, f"Finished jobid: {number}", job_id=number)

    def fails(self, number: int, rule: str = "train_target") -> None:
        code = "RuleException:\nCalledProcessError in file train.smk, line 3:\nCommand 'set -euo'"
        self.tell(LogEvent.ERROR, code, exception="RuleException")
        about: dict[str, Any] = dict.fromkeys(("input", "output", "conda_env", "shellcmd"), "")
        about |= {"jobid": number, "rule_name": rule, "rule_msg": None, "aux": {}}
        self.tell(LogEvent.JOB_ERROR, "Error in rule", log=["results/logs/train/a.log"], **about)

    def tell(self, event: LogEvent | None, message: str, **told: Any) -> None:
        self.logger.info(message, extra={"event": event, **told} if event else None)

    @property
    def lines(self) -> list[str]:
        return self.written.getvalue().splitlines()


@pytest.fixture
def terminal() -> Terminal:
    """A study of eight trainings; a minute passes between one look at the clock and the next."""
    minutes = iter(range(0, 10_000, 60))
    return Terminal(lambda: float(next(minutes)))


def test_a_training_that_ended_is_named_with_what_is_left(terminal: Terminal) -> None:
    for number in range(1, 5):
        terminal.begins(number)
        terminal.ends(number)
    first, *_, third, fourth = terminal.lines
    assert first == "Finished: single target: none > sarcasm, restart 1 (1 of 8 trainings)"
    assert third.endswith("restart 3 (3 of 8 trainings, about 2 minutes left)")  # 60 s for 3
    assert fourth.endswith("restart 4 (4 of 8 trainings, about 2 minutes left)")  # 120 s for 4


def test_while_rounds_go_on_the_trainings_of_those_that_are_decided_are_counted(
    terminal: Terminal,
) -> None:
    ids = [*NAMES]
    terminal.more = True
    for first, last in ((1, 4), (5, 6)):  # a round of four, then one of two
        terminal.planned = ids[first - 1 : last]
        for number in range(first, last + 1):
            terminal.begins(number)
            terminal.ends(number)
            terminal.planned = ids[number:last]
    terminal.more, terminal.planned = False, ids[6:7]  # none follows
    terminal.begins(7)
    terminal.ends(7)
    told = [line.partition(" (")[2] for line in terminal.lines]
    assert told[0] == "1 of 4 trainings planned so far)"
    assert told[2] == "3 of 4 trainings planned so far, about a minute of these left)"
    assert told[3:] == [
        "4 of 4 trainings planned so far)",
        "5 of 6 trainings planned so far, about a minute of these left)",
        "6 of 6 trainings planned so far)",
        "7 of 7 trainings)",
    ]


def test_a_training_that_is_tried_again_counts_once(terminal: Terminal) -> None:
    terminal.begins(1)
    terminal.fails(1)
    terminal.begins(1)
    terminal.ends(1)
    assert terminal.lines[-1].endswith("(1 of 8 trainings)")


def test_an_extraction_is_named_as_people_call_it(terminal: Terminal) -> None:
    terminal.begins(9, "extract_features", extraction="f" * 16)
    terminal.ends(9)
    assert terminal.lines == ["Finished: features of sarcasm by pretrained tiny"]


def test_another_job_is_named_by_its_rule(terminal: Terminal) -> None:
    terminal.begins(9, "encode_task", task="sarcasm")
    terminal.ends(9)
    assert terminal.lines == ["Finished: encode_task sarcasm"]


def test_a_failed_training_is_named_and_counted_without_shell_code(terminal: Terminal) -> None:
    for number in (1, 2):
        terminal.begins(number)
    terminal.fails(1)
    terminal.ends(2)
    assert terminal.lines == [
        "Failed: single target: none > sarcasm, restart 1. Its log: results/logs/train/a.log",
        "Finished: single target: none > sarcasm, restart 2 (1 of 8 trainings, 1 failed)",
    ]


@pytest.mark.parametrize("rule", ["plan", "normalise_task"])
def test_a_plan_or_a_download_that_refuses_is_named_without_shell_code(
    rule: str, terminal: Terminal
) -> None:
    terminal.begins(1, rule, task="cola")
    terminal.fails(1, rule)
    (line,) = terminal.lines
    assert line == f"Failed: {rule} cola. Its log: results/logs/train/a.log"


@pytest.mark.parametrize("rule", ["train_target", "plan", "normalise_task"])
def test_an_interruption_is_one_line(rule: str, terminal: Terminal) -> None:
    terminal.begins(1, rule)
    terminal.tell(None, "Terminating processes on user request, this might take some time.")
    terminal.fails(1, rule)
    final = "WorkflowError:\nAt least one job did not complete successfully."
    terminal.tell(LogEvent.ERROR, final, exception="WorkflowError")
    terminal.tell(None, "Elapsed time: 0:01:00")
    assert terminal.lines == [
        "Interrupted. What is done stays; the same command goes on from there.",
        "Elapsed time: 0:01:00",
    ]


def test_lines_of_the_scheduler_are_left_out(terminal: Terminal) -> None:
    terminal.tell(None, "Select jobs to execute...")
    terminal.tell(LogEvent.JOB_STARTED, "Execute 2 jobs...", jobs=[1, 2])
    terminal.begins(1)
    terminal.ends(1)
    assert terminal.lines == [f"Finished: {NAMES[f'{1:016x}']} (1 of 8 trainings)"]
    assert "Execute 2 jobs..." in terminal.kept.getvalue()


def test_other_handlers_keep_snakemakes_own_lines(terminal: Terminal) -> None:
    terminal.begins(1)
    terminal.fails(1)
    assert "CalledProcessError in file train.smk" in terminal.kept.getvalue()


def test_without_an_interruption_the_end_of_a_failed_study_is_told(terminal: Terminal) -> None:
    terminal.tell(LogEvent.ERROR, "At least one job did not complete successfully.", exception="")
    assert terminal.lines == ["At least one job did not complete successfully."]


SOURCES = Path(__file__).parents[3] / "src"
HOOKED = """
import sys
from interlude.jobs.console import one_line_of_interruption
sys.excepthook = one_line_of_interruption
raise {error}
"""


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ("KeyboardInterrupt", -signal.SIGINT, f"{INTERRUPTED}\n"),
        ("ValueError('wrong')", 1, "ValueError: wrong\n"),
    ],
)
def test_an_interruption_before_any_job_is_one_line(error: str, status: int, said: str) -> None:
    code = HOOKED.format(error=error)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=SOURCES
    )
    assert done.returncode == status
    assert done.stderr.endswith(said)
    assert ("Traceback" in done.stderr) == (error != "KeyboardInterrupt")
