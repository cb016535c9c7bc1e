"""What this machine has for runs: memory and GPUs."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import takewhile
from pathlib import Path

KIBI, MEBI = 2**10, 2**20  # what Linux calls a kB, and nvidia-smi a MiB
# The limit of a container, where there is one: cgroup v2, then v1.
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

# For the environment of jobs: glibc (others ignore it) keeps what a training step frees for the
# next one. By default a large block is a mapping of its own, given back when freed, and each step
# takes its memory anew, page by page: with 28,000 to 38,000 page faults, 3 to 4 % of an fp32 step
# of 16 x 128 tokens. The most memory that a training takes is the same.
KEEP_FREED_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


def memory_mb() -> int:
    """Return the memory of this machine, or of the container, in MB."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    texts = [Path(limit).read_text().strip() for limit in MEMORY_LIMITS if Path(limit).exists()]
    return min(limits + [int(text) for text in texts if text.isdigit()]) // 10**6


def run_memory_mb(weights: Path, on_gpu: bool) -> int:
    """Return the MB of host memory that a run takes at most, by the file of its model's weights.

    On a processor: weights, gradients, AdamW's two means and a copy. On a GPU, these are there, and
    a run holds the copy and the one before it; CUDA and its libraries take the rest.
    """
    base, times = (2500, 3) if on_gpu else (1000, 5)
    return base + times * weights.stat().st_size // 10**6


def bf16_is_slow(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether this processor computes more slowly in bf16 than in fp32, for all it has it.

    That is one of Intel's with AMX (since Sapphire Rapids, which has AVX-512 FP16 too) whose AMX a
    virtual machine hides. There matrix products take 1.8 times as long in bf16 (bench/README.md).
    """
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "GenuineIntel" in text and "avx512_fp16" in text and "amx_bf16" not in text


def resident_peak(status: Path = Path("/proc/self/status")) -> int | None:
    """Return the most bytes of memory that this process has had; None where Linux has no count.

    Not by `getrusage`, which counts what a process was before it became this program: for one that
    Snakemake starts, a copy of Snakemake. What a fork has from its parent counts as its own.
    """
    text = status.read_text() if status.exists() else ""
    match = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    return match and int(match[1]) * KIBI


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


def gpu_memory() -> dict[str, int]:
    """Return the bytes of memory of each installed GPU, by its UUID; nothing of parts of one."""
    lines = _nvidia_smi("--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits")
    totals = re.findall(r"^(GPU-[^,]+), (\d+)$", lines, re.MULTILINE)
    return {gpu: int(mebi) * MEBI for gpu, mebi in totals}


def _installed_gpus() -> list[str]:
    """Return the UUIDs that nvidia-smi lists; asking CUDA itself would start it."""
    return re.findall(r"^GPU \d+:.*\(UUID: (GPU-[^)]+)\)", _nvidia_smi("-L"), re.MULTILINE)


def _nvidia_smi(*arguments: str) -> str:
    """Return what nvidia-smi says; nothing where there is none."""
    command = ["nvidia-smi", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _gpu_of(name: str, installed: list[str]) -> str:
    """Return what CUDA takes a name for; an empty string for nothing."""
    if name.startswith("MIG-"):
        return name
    if name.isdigit():
        return dict(enumerate(installed)).get(int(name), "")
    return next((gpu for gpu in installed if name and gpu.startswith(name)), "")
