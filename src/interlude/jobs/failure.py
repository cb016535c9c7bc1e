"""What a run that has no result leaves, so that it never vanishes from a table."""

from __future__ import annotations

import re
from pathlib import Path

from interlude.jobs.arguments import RunFiles
from interlude.jobs.record import write_predictions, write_record
from interlude.plan.runspec import RunSpec
from interlude.training.start import write_start

BAD_INPUT = 2
INTERRUPTED = (130, 143)  # 128 + SIGINT and SIGTERM, as a shell reports them
HANDED_ON = (BAD_INPUT, *INTERRUPTED)
KILLED = 137  # 128 + SIGKILL
# What torch, numpy, C++ and the loader of libraries say when there is none left.
OF_MEMORY = re.compile("memory|bad_alloc|failed to map segment", re.IGNORECASE)


def leave_without_result(
    spec: RunSpec, files: RunFiles, status: str, reason: str, code: str
) -> None:
    """Write a record with this status, no predictions, and a start without weights."""
    write_predictions(files.predictions, [], [], [])
    if files.encoder_out is not None:
        write_start(files.encoder_out, status, spec.model, {}, {})
    write_record(files.record, spec, status=status, reason=reason, code_digest=code)


def reason_of(status: int, log: Path) -> str:
    """Return why a run failed: its exit status, its last words, and whether memory was short."""
    words = last_words(log)
    if status == KILLED:
        words = f"killed, as the kernel does when memory is short; last words: {words}"
    elif OF_MEMORY.search(words):
        words = f"out of memory: {words}"
    return f"exit status {status}: {words}"


def last_words(log: Path) -> str:
    """Return the last line of a log that says something: mostly the error."""
    lines = log.read_text(encoding="utf8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
