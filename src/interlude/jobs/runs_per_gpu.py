"""How many trainings share a GPU: as the config says or, with `auto`, by what was measured.

With `auto`, and no record of a training of the model on a GPU yet, a GPU has one at a time; the
first record changes that. Then a GPU has as many as fit into its memory if each needs the most that
was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from interlude.jobs.claims import Allowed
from interlude.jobs.machine import gpu_memory
from interlude.jobs.measured import measured

AUTO = "auto"
# More at once were not measured. Eight small trainings at once were five times as many a second as
# one at a time (bench/README.md, an H200).
MOST = 8
# What a process uses of a GPU beyond what torch allocates: freed memory that torch keeps, and CUDA
# itself. One with MiniLM's shape used 1.4 GB in all.
KEPT = 1.5
CUDA_BYTES = 10**9


def runs_allowed(setting: int | str, model: str, trained: Path, unmeasured: int = 1) -> Allowed:
    """Return a function from a GPU to how many trainings of a model may be on it at a time.

    setting: a number, or `auto`. trained: folder of all trainings. unmeasured: the number with
    `auto` while there is no record. Where nvidia-smi reports no memory, as for a part of a GPU, it
    is 1.
    """
    return _ByMemory(model, trained, unmeasured) if setting == AUTO else lambda _: int(setting)


class _ByMemory:
    """Reads the memory of GPUs once, and records until there is one."""

    def __init__(self, model: str, trained: Path, unmeasured: int) -> None:
        self._model, self._trained, self._unmeasured = model, trained, unmeasured
        self._memory: Mapping[str, int] = gpu_memory()
        self._peak: int | None = None

    def __call__(self, gpu: str) -> int:
        if gpu not in self._memory:
            return 1
        self._peak = self._peak or _largest_peak(self._model, self._trained)
        if self._peak is None:
            return self._unmeasured
        return runs_that_fit(self._peak, self._memory[gpu])


def runs_that_fit(peak: int, memory: int) -> int:
    """Return how many trainings fit into a GPU, 1 to MOST; both in bytes."""
    return max(1, min(MOST, int(memory / (KEPT * peak + CUDA_BYTES))))


def _largest_peak(model: str, trained: Path) -> int | None:
    peaks = (each.get("peak_memory_bytes") for each in measured(trained, model, on_gpu=True))
    return max(filter(None, peaks), default=None)
