"""Time, memory and processor use of commands, and what machine they ran on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from interlude.jobs.machine import KEEP_FREED_MEMORY, bf16_is_slow
from interlude.training.platform import choose_platform

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "transformers", "accelerate", "snakemake")
# What a contestant's processes have in their environment where it is used as it is meant to be.
OWN_ENVIRONMENT = {"interlude": KEEP_FREED_MEMORY}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Ended:
    """A command that ended well. Seconds, bytes; of the command and the children it waited for."""

    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(command: Sequence[str], threads: int, folder: Path = ROOT, contestant: str = "") -> Ended:
    """Run a command with so many threads; RuntimeError, with what it printed, when it fails."""
    environment = {
        **os.environ,
        **OWN_ENVIRONMENT.get(contestant, {}),
        **dict.fromkeys(THREADS, str(threads)),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}\n{output}")
    return Ended(
        output,
        time.perf_counter() - started,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss * 1024,
    )


def python(module: str, *arguments: str) -> list[str]:
    """Return the command of a module under the interpreter of this process."""
    return [sys.executable, "-m", module, *arguments]


class WholeMachine:
    """Processor seconds of everything on this machine, but for the load it has when idle.

    The warm server of Interlude leaves Snakemake's process tree, so that only this counts it.
    """

    def __init__(self, idle_seconds: float) -> None:
        """Watch the machine, which should have nothing to do, for so long."""
        before = _busy_seconds()
        time.sleep(idle_seconds)
        self.idle_load = (_busy_seconds() - before) / idle_seconds  # cores
        self.start()

    def start(self) -> None:
        """Begin to count."""
        self._busy, self._clock = _busy_seconds(), time.perf_counter()

    def seconds(self) -> tuple[float, float]:
        """Return wall clock and processor seconds since the start."""
        wall = time.perf_counter() - self._clock
        return wall, _busy_seconds() - self._busy - self.idle_load * wall


def computes_in_bf16(device: str) -> bool:
    """Return whether Interlude would compute in bf16 here: where the hardware gains by it."""
    return choose_platform(device, "auto").bf16 and not (device == "cpu" and bf16_is_slow())


def about() -> dict[str, Any]:
    """Return what the numbers were measured on and with."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_before": os.getloadavg()[0],
        "bf16_in_hardware": choose_platform("cpu", "auto").bf16,
        "precision_by_auto": "bf16" if computes_in_bf16("cpu") else "fp32",
        "commit": _commit(),
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def _commit() -> str:
    """Return the commit of this copy; nothing where it is no repository, or git is missing."""
    state = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    with suppress(OSError):
        return subprocess.run(state, text=True, capture_output=True, check=False).stdout.strip()
    return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
