"""A place on a GPU for a job: alone there, or beside others, as far as each of them allows it.

A place is a file that the job has locked until its process ends, however it ends. It holds two
numbers: how many jobs the job allows on its GPU, and the most that there were since it came. A job
that looks for a place has, for that moment, a lock of this user, so that counts are right. One that
finds none has the next turn at the GPUs that it waits for: otherwise a job that wants a GPU alone
would wait as long as others come and share it.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from interlude.jobs.machine import visible_gpus
from interlude.jobs.runtime import runtime_folder

WAIT_SECONDS = 0.5  # between two looks for a free place
LONGEST = 100  # bytes of the two numbers, and more

Allowed = Callable[[str], int]  # UUID of a GPU -> how many jobs may be on it
Jobs = dict[Path, tuple[int, int]]  # place -> the numbers in it


def alone(gpu: str) -> int:
    """Allow no other job on a GPU."""
    return 1


@dataclass
class Place:
    """What a job has claimed. handle: of the locked file; a number, which is never collected."""

    gpu: str
    handle: int

    def runs(self) -> int:
        """Return the most jobs that were on the GPU at a time, this one among them."""
        with _looking():
            return _numbers(os.pread(self.handle, LONGEST, 0))[1]


def claim_gpu(say: Callable[[str], None], allowed: Allowed = alone) -> Place | None:
    """Take a place on the GPU with the fewest jobs of this user, and show CUDA no other GPU.

    To be called before CUDA starts. Waits until there is a GPU where neither this job nor those on
    it allow fewer jobs than there are then; without GPUs nothing happens. allowed: called at each
    look.
    """
    gpus = visible_gpus()
    if not gpus:
        return None
    turns: dict[str, int] = {}
    place = _find(gpus, allowed, turns)
    if place is None:
        say(_waiting(gpus, allowed))
    while place is None:
        time.sleep(WAIT_SECONDS)
        place = _find(gpus, allowed, turns)
    os.environ["CUDA_VISIBLE_DEVICES"] = place.gpu
    others = place.runs() - 1
    say(f"on {place.gpu}" + (f", beside {others}" if others else ""))
    return place


def _waiting(gpus: list[str], allowed: Allowed) -> str:
    most = max(map(allowed, gpus))
    each = f", {most} on each at most" if most > 1 else ""
    return f"waiting for a GPU: other runs have all {len(gpus)}{each}"


def _find(gpus: list[str], allowed: Allowed, turns: dict[str, int]) -> Place | None:
    """Take a place where there is room and no job waits already; else take the turns that are free.

    turns: GPU -> handle of the locked file of its next turn, where this job has it.
    """
    wanted = {gpu: allowed(gpu) for gpu in gpus}
    with _looking():
        for gpu in gpus:
            if gpu not in turns and (turn := _locked(_path(gpu, "next"))) is not None:
                turns[gpu] = turn
        there = {gpu: _jobs(gpu) for gpu in gpus if gpu in turns}
        free = [gpu for gpu in there if len(there[gpu]) < _most(wanted[gpu], there[gpu])]
        if not free:
            return None
        while turns:  # before the look ends: another job would see them, and wait in vain
            os.close(turns.popitem()[1])
        gpu = min(free, key=lambda each: len(there[each]))
        return _take(gpu, wanted[gpu], there[gpu])


def _most(wanted: int, there: Jobs) -> int:
    """Return how many jobs all allow: those that are there, and the one that comes."""
    return min([wanted, *(allowed for allowed, _ in there.values())])


def _take(gpu: str, wanted: int, there: Jobs) -> Place:
    """Take the first free place, and write for all jobs how many there are now."""
    jobs = len(there) + 1
    for path, (allowed, most) in there.items():
        path.write_text(f"{allowed} {max(most, jobs)}")
    path = next(path for path in (_path(gpu, f"{n}.place") for n in count()) if path not in there)
    handle = _locked(path)
    assert handle is not None  # noqa: S101  for the type checker: nobody else looks meanwhile
    path.write_text(f"{wanted} {jobs}")
    return Place(gpu, handle)


def _jobs(gpu: str) -> Jobs:
    """Return the places of a GPU that jobs have."""
    numbers = {}
    for path in runtime_folder().glob(_path(gpu, "*.place").name):
        handle = _locked(path)
        if handle is None:
            numbers[path] = _numbers(path.read_bytes())
        else:
            os.close(handle)
    return numbers


def _numbers(content: bytes) -> tuple[int, int]:
    """Return the numbers in the file of a place: the jobs that it allows, the most there were."""
    allowed, most = map(int, content.split())
    return allowed, most


def _path(gpu: str, name: str) -> Path:
    """Return a file of a GPU; some drivers have slashes in the names of parts of one."""
    return runtime_folder() / f"{gpu.replace('/', '-')}.{name}"


@contextmanager
def _looking() -> Iterator[None]:
    """Be the only job of this user that looks at places, for a moment."""
    handle = os.open(runtime_folder() / "gpus.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _locked(path: Path) -> int | None:
    """Lock a file until its handle is closed or this process ends; None where another has it."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
