"""The record of a training that has no result, so that it never vanishes from a table."""

from __future__ import annotations

import re
from pathlib import Path

from interlude.jobs.arguments import Job
from interlude.jobs.record import planned_part, write_predictions, write_record
from interlude.training.start import write_start
from interlude.training.tensor_file import Tensors

BAD_INPUT = 2
INTERRUPTED = (130, 143)  # 128 + SIGINT and SIGTERM, as a shell reports them
HANDED_ON = (BAD_INPUT, *INTERRUPTED)
KILLED = 137  # 128 + SIGKILL
# In messages of torch, cuBLAS, numpy, C++ and the loader of libraries when memory is short.
OF_MEMORY = re.compile("memory|alloc_failed|bad_alloc|failed to map segment", re.IGNORECASE)


def leave_without_result(job: Job, status: str, reason: str) -> None:
    """Write a record with this status, no predictions, and a start without weights."""
    files, training = job.files, job.training
    write_predictions(files.predictions, [], [], [])
    if files.own_start is not None:
        no_heads: dict[str, Tensors] = {part.task: {} for part in training.parts}
        write_start(files.own_start, status, training.model, {}, no_heads)
    parts = [planned_part(part) for part in training.parts]
    outcome = {"status": status, "reason": reason, "code_digest": job.code, "parts": parts}
    write_record(job, outcome)


def reason_of(status: int, log: Path) -> str:
    """Return why a training failed: its exit status, its last words, if memory was short."""
    words = last_words(log)
    if status == KILLED:
        words = f"killed, as the kernel does when memory is short; last words: {words}"
    elif OF_MEMORY.search(words):
        words = f"out of memory: {words}"
    return f"exit status {status}: {words}"


def last_words(log: Path) -> str:
    """Return the last line of a log that is not blank: mostly the error."""
    lines = log.read_text(encoding="utf8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no message")
