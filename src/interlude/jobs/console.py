"""What Snakemake says while a study runs, in words of the study.

Snakemake tells of jobs by number ("Finished jobid: 27"), of a failed one by its shell code, and,
where a user stops it, of each job that it stopped as if it had failed. `Console` says which
training ended, how many are left and about how long they take, and one line on an interruption.
Nothing is lost: Snakemake's own file of the run (`.snakemake/log/`) keeps its lines.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import override

_STREAM = "DefaultStreamHandler"  # Snakemake's name of what writes to the terminal
_STOPPED_BY_USER = "Terminating processes on user request"
_SHELL_CODE = "CalledProcessError in file"
_ENDED = "At least one job did not complete successfully."
_OF_THE_SCHEDULER = re.compile(r"Select jobs to execute|Execute \d+ jobs")  # for each job, anew
_TRAINS = "train_"  # begins the names of the rules that train


class Console(logging.Filter):
    """Says anew what a handler is about to show; records for other handlers stay as they are.

    names: id of a training -> what people call it. clock: seconds.
    """

    def __init__(
        self,
        handler: logging.Handler,
        names: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self._handler, self._names, self._clock = handler, names, clock
        self._jobs: dict[int, str] = {}
        self._trainings: set[int] = set()  # numbers of the jobs that train
        self._planned = self._trained = self._failed = 0
        self._began = 0.0
        self._interrupted = False

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the handler shows a record as it is."""
        event = getattr(getattr(record, "event", None), "name", None)
        said = self._in_words(event, record)
        if said is None:
            return True
        if said:
            self._handler.handle(logging.makeLogRecord({**record.__dict__, **_plain(said)}))
        return False

    def _in_words(self, event: str | None, record: Any) -> str | None:
        """Return a line in place of a record, '' for no line, or None to leave it as it is."""
        if event == "RUN_INFO":
            stats = getattr(record, "stats", {})
            self._planned = sum(n for rule, n in stats.items() if rule.startswith(_TRAINS))
        elif event == "JOB_INFO":
            self._remember(record)
        elif event == "JOB_FINISHED" and record.job_id in self._jobs:
            return self._finished(record.job_id)
        elif event == "JOB_ERROR":
            return self._not_done(record)
        return self._of_text(str(record.msg))

    def _remember(self, job: Any) -> None:
        wildcards = job.wildcards
        name = self._names.get(wildcards.get("id", ""))
        self._jobs[job.jobid] = name or " ".join([job.rule_name, *wildcards.values()])
        if job.rule_name.startswith(_TRAINS):
            self._trainings.add(job.jobid)
            self._began = self._began or self._clock()

    def _finished(self, number: int) -> str:
        line = f"Finished: {self._jobs[number]}"
        if number not in self._trainings:
            return line
        self._trained += 1
        return f"{line} ({self._how_far()})"

    def _how_far(self) -> str:
        # Where a plan goes on from what its trainings came to, their number is not known before.
        of = f" of {self._planned}" if self._trained <= self._planned else ""
        parts = [f"{self._trained}{of} trainings"]
        left = self._planned - self._trained - self._failed
        if left > 0 and self._trained >= 3:
            seconds = (self._clock() - self._began) / (self._trained + self._failed) * left
            parts.append(f"about {in_minutes(seconds)} left")
        if self._failed:
            parts.append(f"{self._failed} failed")
        return ", ".join(parts)

    def _not_done(self, job: Any) -> str:
        if self._interrupted:
            return ""
        self._failed += job.jobid in self._trainings
        name = self._jobs.get(job.jobid, job.rule_name)
        parts = [f"Failed: {name}."]
        parts += [str(job.rule_msg)] if job.rule_msg else []
        parts += [f"Its log: {', '.join(job.log)}"] if job.log else []
        return " ".join(parts)

    def _of_text(self, text: str) -> str | None:
        if text.startswith(_STOPPED_BY_USER):
            self._interrupted = True
            return "Interrupted. What is done stays; the same command goes on from there."
        if _SHELL_CODE in text or _OF_THE_SCHEDULER.match(text):
            return ""
        if self._interrupted and _ENDED in text:
            return ""
        return None


def _plain(text: str) -> dict[str, Any]:
    return {"msg": text, "args": None, "event": None}


def in_minutes(seconds: float) -> str:
    """Return a time as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def speak_on(
    logger: logging.Logger,
    names: Mapping[str, str],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Have Snakemake's lines on the terminal said in words; those of a plugin stay its own."""
    for handler in logger.handlers:
        if handler.name == _STREAM:
            handler.filters.insert(0, Console(handler, names, clock))
