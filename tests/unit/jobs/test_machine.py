"""GPUs and memory of a machine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from helpers.pretended import pretend_gpus

from interlude.jobs.machine import bf16_is_slow, gpu_memory, memory_mb, run_memory_mb, visible_gpus

BOTH = ["GPU-aaaa", "GPU-bbbb"]


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two pretended GPUs."""
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, BOTH))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "seen"),
    [
        (None, BOTH),
        ("0,1", BOTH),
        ("1", BOTH[1:]),
        (" 1 , 0", BOTH[::-1]),
        ("GPU-bb", BOTH[1:]),
        ("MIG-c,0", ["MIG-c", "GPU-aaaa"]),
        ("0,7,1", BOTH[:1]),  # CUDA stops at what it does not know
        ("-1", []),
        ("", []),
    ],
)
def test_a_process_sees_the_gpus_that_its_scheduler_gave_it(
    named: str | None, seen: list[str], two_gpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == seen


def test_a_machine_without_nvidia_smi_has_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert visible_gpus() == []


def test_each_gpu_has_the_memory_that_nvidia_smi_tells(two_gpus: Path) -> None:
    assert gpu_memory() == dict.fromkeys(BOTH, 81_559 * 2**20)


def test_a_run_asks_for_the_memory_that_it_takes(tmp_path: Path) -> None:
    """On a GPU: at most 2,167 MB were seen for weights of 91 MB, 3,415 for 1,421 (H200)."""
    weights = tmp_path / "model.safetensors"
    for size, on_processor, on_gpu in ((91, 1455, 2773), (1421, 8105, 6763)):
        with weights.open("wb") as file:
            file.truncate(size * 10**6)
        assert run_memory_mb(weights, on_gpu=False) == on_processor
        assert run_memory_mb(weights, on_gpu=True) == on_gpu


def test_the_memory_is_that_of_this_machine_or_less() -> None:
    assert 0 < memory_mb() <= psutil.virtual_memory().total // 10**6


@pytest.mark.parametrize(
    ("vendor", "flags", "slow"),
    [
        ("GenuineIntel", "avx512f avx512_bf16 avx512_fp16", True),  # AMX is hidden
        ("GenuineIntel", "avx512f avx512_bf16 avx512_fp16 amx_bf16 amx_tile", False),
        ("GenuineIntel", "avx512f avx512_bf16", False),  # before AMX
        ("AuthenticAMD", "avx512f avx512_bf16", False),
    ],
)
def test_bf16_is_slow_where_amx_is_hidden(
    vendor: str, flags: str, slow: bool, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags}\n")
    assert bf16_is_slow(cpuinfo) == slow
    assert not bf16_is_slow(tmp_path / "no such file")
