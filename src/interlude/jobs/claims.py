"""A place on a GPU for a run: alone there, or one of as many as each of them allows.

A place is a file that the run has locked until its process ends, however that comes. In it stand
two numbers: how many runs the run allows on its GPU, and the most that there were since it came.
Whoever looks for a place holds, for that moment, a lock of this user's, so that counts are right.
A run that finds none has the next turn at the GPUs that it waits for: else one that wants a GPU for
itself would wait as long as others come and share it.
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

Allowed = Callable[[str], int]  # UUID of a GPU -> how many runs may be on it
Runs = dict[Path, tuple[int, int]]  # place -> the numbers in it


def alone(gpu: str) -> int:
    """Allow no other run on a GPU."""
    return 1


@dataclass
class Place:
    """What a run has claimed, as the file of the place: its handle is a number, never collected."""

    gpu: str
    handle: int

    def runs(self) -> int:
        """Return the most runs that were on the GPU at a time, this one among them."""
        with _looking():
            return _numbers(os.pread(self.handle, LONGEST, 0))[1]


def claim_gpu(say: Callable[[str], None], allowed: Allowed = alone) -> Place | None:
    """Take a place on the GPU with the fewest runs of this user, and show CUDA no other.

    To be called before CUDA starts. Waits until neither this run nor one that is there allows fewer
    than there are then; without GPUs nothing happens. allowed: asked at each look.
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
    """Take a place where there is room and nobody waits already; else keep the turns that are free.

    turns: GPU -> handle of the lock of who is next there, where that is this run.
    """
    wanted = {gpu: allowed(gpu) for gpu in gpus}
    with _looking():
        for gpu in gpus:
            if gpu not in turns and (turn := _locked(_path(gpu, "next"))) is not None:
                turns[gpu] = turn
        there = {gpu: _runs(gpu) for gpu in gpus if gpu in turns}
        free = [gpu for gpu in there if len(there[gpu]) < _most(wanted[gpu], there[gpu])]
        if not free:
            return None
        while turns:  # within the look: others must not see them and wait in vain
            os.close(turns.popitem()[1])
        gpu = min(free, key=lambda each: len(there[each]))
        return _take(gpu, wanted[gpu], there[gpu])


def _most(wanted: int, there: Runs) -> int:
    """Return how many runs all allow: those that are there, and the one that comes."""
    return min([wanted, *(allowed for allowed, _ in there.values())])


def _take(gpu: str, wanted: int, there: Runs) -> Place:
    """Take the first place that is free, and tell all how many there are now."""
    runs = len(there) + 1
    for path, (allowed, most) in there.items():
        path.write_text(f"{allowed} {max(most, runs)}")
    path = next(path for path in (_path(gpu, f"{n}.place") for n in count()) if path not in there)
    handle = _locked(path)
    assert handle is not None  # noqa: S101  for the type checker: nobody else looks meanwhile
    path.write_text(f"{wanted} {runs}")
    return Place(gpu, handle)


def _runs(gpu: str) -> Runs:
    """Return the places of a GPU that processes have."""
    found = {}
    for path in runtime_folder().glob(_path(gpu, "*.place").name):
        handle = _locked(path)
        if handle is None:
            found[path] = _numbers(path.read_bytes())
        else:
            os.close(handle)
    return found


def _numbers(content: bytes) -> tuple[int, int]:
    """Return what stands in the file of a place: the runs that it allows, the most that were."""
    allowed, most = map(int, content.split())
    return allowed, most


def _path(gpu: str, name: str) -> Path:
    """Return a file of a GPU; names of parts of one have slashes in some releases of CUDA."""
    return runtime_folder() / f"{gpu.replace('/', '-')}.{name}"


@contextmanager
def _looking() -> Iterator[None]:
    """Be the only one of this user's processes that looks at places, for a moment."""
    handle = os.open(runtime_folder() / "gpus.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _locked(path: Path) -> int | None:
    """Lock a file until its handle, or this process, is closed; None where another has it."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)  # a number, which is never collected
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
