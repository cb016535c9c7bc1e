"""What this machine has for runs: memory, and GPUs, of which each run gets one for itself."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from interlude.jobs.runtime import runtime_folder

KIBI = 1024  # what Linux calls a kB
WAIT_SECONDS = 0.5  # between two looks for a free GPU
# The limit of a container, where there is one: cgroup v2, then v1.
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

# For the environment of jobs: glibc (others ignore it) keeps what a training step frees for the
# next one. By default a large block is a mapping of its own, given back when freed, and each step
# takes its memory anew, page by page: with 28,000 to 38,000 page faults, 3 to 4 % of an fp32 step
# of 16 x 128 tokens. The most memory that a training takes is the same.
KEEP_FREED_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def memory_mb() -> int:
    """Return the memory of this machine, or of the container, in MB."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    texts = [Path(limit).read_text().strip() for limit in MEMORY_LIMITS if Path(limit).exists()]
    return min(found + [int(text) for text in texts if text.isdigit()]) // 10**6


def run_memory_mb(weights: Path, on_gpu: bool) -> int:
    """Return the MB of host memory that a run takes at most, by the file of its model's weights.

    On a processor: weights, gradients, AdamW's two means and a copy. On a GPU, these are there, and
    a run holds the copy and the one before it; CUDA and its libraries take the rest.
    """
    base, times = (2500, 3) if on_gpu else (1000, 5)
    return base + times * weights.stat().st_size // 10**6


def resident_peak(status: Path = Path("/proc/self/status")) -> int | None:
    """Return the most bytes of memory that this process has had; None where Linux does not tell.

    Not by `getrusage`, which counts what a process was before it became this program: for one that
    Snakemake starts, a copy of Snakemake. What a fork has from its parent counts as its own.
    """
    told = status.read_text() if status.exists() else ""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE)
    return found and int(found[1]) * KIBI


def visible_gpus() -> list[str]:
    """Return the UUIDs of the GPUs that this process may use, in the order of nvidia-smi.

    A scheduler's CUDA_VISIBLE_DEVICES is respected: numbers, UUIDs or their beginnings, up to the
    first that names none, as CUDA reads it.
    """
    installed = _installed_gpus()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not installed or named is None:
        return installed
    return list(takewhile(bool, (_gpu_of(name.strip(), installed) for name in named.split(","))))


def claim_gpu(say: Callable[[str], None]) -> None:
    """Take a GPU that no other run of this user has, and show CUDA no other.

    To be called before CUDA starts. Waits until one is free; without GPUs nothing happens. The
    claim is a lock that the kernel releases with this process, however it ends.
    """
    gpus = visible_gpus()
    if not gpus:
        return
    claimed = _first_free(gpus)
    if claimed is None:
        say(f"waiting for a GPU: other runs have all {len(gpus)}")
    while claimed is None:
        time.sleep(WAIT_SECONDS)
        claimed = _first_free(gpus)
    os.environ["CUDA_VISIBLE_DEVICES"] = claimed
    say(f"on {claimed}")


def _first_free(gpus: list[str]) -> str | None:
    return next((gpu for gpu in gpus if _is_locked_by_us(runtime_folder() / f"{gpu}.lock")), None)


def _is_locked_by_us(path: Path) -> bool:
    """Try to lock a file until this process ends, and return whether that went well."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)  # a number, which is never collected
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return False
    return True


def _installed_gpus() -> list[str]:
    """Return the UUIDs that nvidia-smi lists; asking CUDA itself would start it."""
    try:
        command = ["nvidia-smi", "-L"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return []
    return re.findall(r"^GPU \d+:.*\(UUID: (GPU-[^)]+)\)", listed.stdout, re.MULTILINE)


def _gpu_of(name: str, installed: list[str]) -> str:
    """Return what CUDA takes a name for; an empty string for nothing."""
    if name.startswith("MIG-"):
        return name
    if name.isdigit():
        return dict(enumerate(installed)).get(int(name), "")
    return next((gpu for gpu in installed if name and gpu.startswith(name)), "")
