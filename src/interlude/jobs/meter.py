"""What a run takes in time, energy and memory, from its first attempt on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pynvml
import torch

from interlude.jobs.machine import resident_peak

Costs = dict[str, float | None]
Counter = Callable[[], float | None]
Peak = Callable[[], int | None]
Runs = Callable[[], int | None]

_MILLI = 1e-3


class Meter:
    """Counts the seconds of a run and, where its device does, the joules, from when it is made.

    joules: a counter that only grows; peak: the most bytes that were in use so far; runs: the most
    runs that were on the GPU at a time so far. Each gives None where there is none.
    """

    def __init__(
        self,
        joules: Counter = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
        peak: Peak = lambda: None,
        runs: Runs = lambda: None,
    ) -> None:
        self._joules, self._clock, self._peak, self._runs = joules, clock, peak, runs
        self._seconds_at_start, self._joules_at_start = clock(), joules()
        self._before: Costs = {
            **{"total_seconds": 0.0, "energy_joules": 0.0, "peak_memory_bytes": 0},
            "runs_on_gpu": 0,
        }

    def costs(self) -> Costs:
        """Return what all attempts took: total_seconds and, None where unknown, energy_joules.

        Nobody knows the joules of a run whose GPU had others at a time: the counter is the GPU's.
        Also peak_memory_bytes and runs_on_gpu, of the attempt with most; None where that of one is
        unknown.
        """
        before, runs = self._before, self._runs()
        joules = self._joules() if runs is None or runs == 1 else None
        return {
            "total_seconds": _sum(before["total_seconds"], self._clock(), self._seconds_at_start),
            "energy_joules": _sum(before["energy_joules"], joules, self._joules_at_start),
            "peak_memory_bytes": _most(before.get("peak_memory_bytes"), self._peak()),
            "runs_on_gpu": _most(before.get("runs_on_gpu"), runs),
        }

    def add(self, before: Costs) -> None:
        """Count what earlier attempts took, up to the state from which this one goes on."""
        self._before = before


def energy_counter(device: torch.device) -> Counter:
    """Return a function that gives the joules that a device has used up to now.

    Those of a GPU, for all that runs on it. A processor counts for all that runs on it, too, and is
    never a run's alone.
    """
    if device.type != "cuda":
        return lambda: None
    return gpu_energy_counter(f"GPU-{torch.cuda.get_device_properties(device).uuid}")


def gpu_energy_counter(uuid: str) -> Counter:
    """Return a function that gives the joules that a GPU has used since its driver was loaded.

    By NVML, which counts on GPUs from Volta on, but not for a part of one; else it gives None.
    """

    def joules() -> float | None:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlInit()
            gpu = pynvml.nvmlDeviceGetHandleByUUID(uuid)
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) * _MILLI
        return None

    return joules


def memory_peak(device: torch.device) -> Peak:
    """Return a function that gives the most bytes that this process has had in use on a device.

    On a GPU, what torch had allocated there. On a processor, resident memory, with that of the
    libraries, as Linux counts it; elsewhere it gives None.
    """
    if device.type == "cuda":
        return lambda: torch.cuda.max_memory_allocated(device)
    return resident_peak


def _most(before: float | None, now: float | None) -> float | None:
    """Return the larger one; None where one is not known."""
    return None if before is None or now is None else max(before, now)


def _sum(before: float | None, now: float | None, start: float | None) -> float | None:
    """Return before + now - start; None where one is not known."""
    if before is None or now is None or start is None:
        return None
    return before + now - start
