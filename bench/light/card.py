"""The card itself: what it is, its memory, its energy, and how fast it multiplies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from statistics import fmean, median
from typing import Any

import pynvml
import torch

from bench.light.job import Job, Row
from interlude.jobs.meter import Meter, energy_counter

WARM_SECONDS = 2.0
LOAD_SECONDS = 6.0
SIZE = 8192  # rows and columns of a product that fills the card
POWER = ["nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits", "-lms", "100"]
OFF = 0.1  # nvidia-smi's power is a mean over its last second, and given ten times a second


def about(device: str) -> dict[str, Any]:
    """Return the name of the card and what drives it; nothing on a processor."""
    if device != "cuda":
        return {}
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        name = pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(0))
        driver = pynvml.nvmlSystemGetDriverVersion()
        return {"gpu": str(name), "driver": str(driver), "cuda": torch.version.cuda}
    return {}


def memory_of(process: int) -> int:
    """Return the bytes that a process has on the GPUs; 0 where that is not told."""
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        gpus = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        listed = pynvml.nvmlDeviceGetComputeRunningProcesses
        running = [each for gpu in gpus for each in listed(gpu)]
        return sum(each.usedGpuMemory or 0 for each in running if each.pid == process)
    return 0


def memory_in_use() -> int:
    """Return the bytes in use on the first GPU, by all processes."""
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        return int(pynvml.nvmlDeviceGetMemoryInfo(gpu).used)
    return 0


def energy(job: Job) -> Iterator[Row]:
    """A run's counter of joules against the power that nvidia-smi tells meanwhile."""
    _load(WARM_SECONDS)
    sampler = subprocess.Popen(POWER, stdout=subprocess.PIPE, text=True)
    meter = Meter(energy_counter(torch.device("cuda")))
    _load(LOAD_SECONDS)
    costs = meter.costs()
    sampler.terminate()
    watts = [float(line) for line in sampler.communicate()[0].split()]
    joules, seconds = costs["energy_joules"], costs["total_seconds"]
    assert seconds is not None
    told = fmean(watts) * seconds
    yield {
        "what": "joules of the counter over those of nvidia-smi's power",
        "ok": joules is not None and abs(joules / told - 1) <= OFF,
        "counted_joules": joules,
        "told_joules": told,
        "seconds": seconds,
        "mean_watts": fmean(watts),
    }


def products(job: Job) -> Iterator[Row]:
    """How fast a product that fills the card is made, on random numbers."""
    for dtype in (torch.bfloat16, torch.float32):
        seconds = median(_load(0.2, dtype) for _ in range(5))
        yield {
            "what": f"product of {SIZE} x {SIZE} x {SIZE}, {str(dtype).removeprefix('torch.')}",
            "ok": None,
            "tflops_per_second": 2 * SIZE**3 / seconds / 1e12,
        }


def _load(seconds: float, dtype: torch.dtype = torch.bfloat16) -> float:
    """Multiply for so long, and return the seconds of one product."""
    left, right = (torch.randn(SIZE, SIZE, device="cuda", dtype=dtype) for _ in range(2))
    torch.matmul(left, right)
    torch.cuda.synchronize()
    started, made = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for _ in range(5):
            torch.matmul(left, right)
        torch.cuda.synchronize()
        made += 5
    return (time.perf_counter() - started) / made
