"""GPUs and memory of a machine: each run has a GPU of its own, whatever starts the runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from helpers.pretended import pretend_gpus

from interlude.jobs.machine import memory_mb, run_memory_mb, visible_gpus

SRC = Path(__file__).parents[3] / "src"
BOTH = ["GPU-aaaa", "GPU-bbbb"]
# A run, as far as GPUs go: it claims one, says so, and holds it until it is told to end.
HOLDER = """
import os
from interlude.jobs.machine import claim_gpu
claim_gpu(lambda line: print(line, flush=True))
print("sees", os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
input()
"""
Holder = subprocess.Popen[str]


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two pretended GPUs, and a folder of its own for locks."""
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, BOTH))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def holder(**changes: str) -> Holder:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", HOLDER]
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **changes}
    )


def said(process: Holder) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


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


def test_no_two_runs_share_a_gpu_and_a_killed_one_gives_its_own_back(two_gpus: Path) -> None:
    with holder() as first, holder() as second:
        seen = [(said(each), said(each)) for each in (first, second)]
        assert sorted(seen) == [(f"on {gpu}", f"sees {gpu}") for gpu in BOTH]
        with holder() as third:
            assert said(third) == "waiting for a GPU: other runs have all 2"
            first.kill()
            assert (said(third), said(third)) == seen[0]
            third.kill()
        second.kill()


def test_a_run_claims_among_the_gpus_of_its_scheduler_only(two_gpus: Path) -> None:
    with holder(CUDA_VISIBLE_DEVICES="1") as first, holder(CUDA_VISIBLE_DEVICES="1") as second:
        words = {said(first), said(second)}
        assert words == {"on GPU-bbbb", "waiting for a GPU: other runs have all 1"}
        first.kill()
        second.kill()


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
