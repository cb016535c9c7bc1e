"""The messages of Snakemake while a study runs, in words of the study.

Snakemake names jobs by number ("Finished jobid: 27") and a failed one by its shell code, and when a
user stops it, it reports each stopped job as failed. `Console` shows which training ended, how many
are left and about how long they take, and one line on an interruption. Nothing is lost: Snakemake's
own file of the run (`.snakemake/log/`) keeps its lines.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from typing_extensions import override

INTERRUPTED = "Interrupted. What is done stays; the same command goes on from there."
_STREAM = "DefaultStreamHandler"  # Snakemake's name of what writes to the terminal
_STOPPED_BY_USER = "Terminating processes on user request"
_SHELL_CODE = "CalledProcessError in file"
_ENDED = "At least one job did not complete successfully."
_OF_THE_SCHEDULER = re.compile(r"Select jobs to execute|Execute \d+ jobs")  # for each job, anew
_TRAINS = "train_"  # begins the names of the rules that train


@dataclass(frozen=True)
class Planned:
    """What a start of a study has jobs for at present.

    trainings: ids of those that have not ended, including those that run, or that failed. more:
    whether their results decide on others.
    """

    trainings: Collection[str]
    more: bool


class Console(logging.Filter):
    """Rewrites what a handler is about to show; records for other handlers stay as they are.

    names: id of a training or an extraction -> what people call it. planned: what is planned when
    it is called. clock: seconds.
    """

    def __init__(
        self,
        handler: logging.Handler,
        names: Mapping[str, str],
        planned: Callable[[], Planned],
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._handler, self._names, self._planned, self._clock = handler, names, planned, clock
        self._jobs: dict[int, str] = {}
        self._trainings: dict[int, str] = {}  # number of a job that trains -> id
        self._trained: set[str] = set()
        self._failed: set[str] = set()
        self._began = 0.0
        self._interrupted = False

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the handler shows a record as it is."""
        event = getattr(getattr(record, "event", None), "name", None)
        line = self._in_words(event, record)
        if line is None:
            return True
        if line:
            self._handler.handle(logging.makeLogRecord({**record.__dict__, **_plain(line)}))
        return False

    def _in_words(self, event: str | None, record: Any) -> str | None:
        """Return a line in place of a record, '' for no line, or None to leave it as it is."""
        if event == "JOB_INFO":
            self._remember(record)
        elif event == "JOB_FINISHED" and record.job_id in self._jobs:
            return self._finished(record.job_id)
        elif event == "JOB_ERROR":
            return self._not_done(record)
        return self._of_text(str(record.msg))

    def _remember(self, job: Any) -> None:
        wildcards = job.wildcards
        names = [self._names[each] for each in wildcards.values() if each in self._names]
        self._jobs[job.jobid] = " ".join(names or [job.rule_name, *wildcards.values()])
        if job.rule_name.startswith(_TRAINS):
            self._trainings[job.jobid] = wildcards["id"]
            self._began = self._began or self._clock()

    def _finished(self, number: int) -> str:
        line = f"Finished: {self._jobs[number]}"
        if number not in self._trainings:
            return line
        self._trained.add(self._trainings[number])
        self._failed -= self._trained  # one that was tried again
        return f"{line} ({self._how_far()})"

    def _how_far(self) -> str:
        ended, planned = self._trained | self._failed, self._planned()
        remaining = len({*planned.trainings} - ended)
        # Where the results of trainings decide on others, it is not known how many follow.
        so_far, these = (" planned so far", " of these") if planned.more else ("", "")
        parts = [f"{len(self._trained)} of {len(ended) + remaining} trainings{so_far}"]
        if remaining and len(self._trained) >= 3:
            seconds = (self._clock() - self._began) / len(ended) * remaining
            parts.append(f"about {in_minutes(seconds)}{these} left")
        if self._failed:
            parts.append(f"{len(self._failed)} failed")
        return ", ".join(parts)

    def _not_done(self, job: Any) -> str:
        if self._interrupted:
            return ""
        if job.jobid in self._trainings:
            self._failed.add(self._trainings[job.jobid])
        name = self._jobs.get(job.jobid, job.rule_name)
        parts = [f"Failed: {name}."]
        parts += [str(job.rule_msg)] if job.rule_msg else []
        parts += [f"Its log: {', '.join(job.log)}"] if job.log else []
        return " ".join(parts)

    def _of_text(self, text: str) -> str | None:
        if text.startswith(_STOPPED_BY_USER):
            self._interrupted = True
            return INTERRUPTED
        if _SHELL_CODE in text or _OF_THE_SCHEDULER.match(text):
            return ""
        if self._interrupted and _ENDED in text:
            return ""
        return None


def one_line_of_interruption(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Report in one line, as `sys.excepthook`, that a user stopped the process before any job."""
    if issubclass(kind, KeyboardInterrupt):
        print(INTERRUPTED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def _plain(text: str) -> dict[str, Any]:
    return {"msg": text, "args": None, "event": None}


def in_minutes(seconds: float) -> str:
    """Return a time as people say it."""
    minutes = round(seconds / 60)
    if minutes <= 1:
        return "a minute"
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def speak_on(
    logger: logging.Logger,
    names: Mapping[str, str],
    planned: Callable[[], Planned],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Rewrite Snakemake's lines on the terminal in words; those of a plugin stay as they are."""
    for handler in logger.handlers:
        if handler.name == _STREAM:
            handler.filters.insert(0, Console(handler, names, planned, clock))
