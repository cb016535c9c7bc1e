"""What a training is said to have taken: seconds, joules and memory, over all its attempts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import tiny

from interlude.jobs.machine import resident_peak
from interlude.jobs.meter import (
    Counter,
    Meter,
    Peak,
    Runs,
    energy_counter,
    gpu_energy_counter,
)
from interlude.jobs.perform import perform

SOURCES = Path(__file__).parents[3] / "src"
GPU = "GPU-12345678-aaaa-bbbb-cccc-123456789abc"
# What NVIDIA's library does for one GPU that uses 2,500 mJ between two questions.
LIBRARY = f"""
#include <string.h>
int nvmlInitWithFlags(unsigned flags) {{ return 0; }}
int nvmlInit_v2(void) {{ return 0; }}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **gpu) {{
    *gpu = (void *) 1;
    return strcmp(uuid, "{GPU}") ? 6 : 0;
}}
int nvmlDeviceGetTotalEnergyConsumption(void *gpu, unsigned long long *millijoules) {{
    static unsigned long long used = 10000;
    *millijoules = used += 2500;
    return 0;
}}
"""


class Readings:
    """Counters of which each reading is the next number."""

    def __init__(self, *readings: float | None) -> None:
        self.readings = iter(readings)

    def __call__(self) -> float:
        return next(self.readings)  # type: ignore[return-value]


def test_a_meter_counts_from_when_it_is_made() -> None:
    meter = Meter(Readings(1000.0, 1250.0), Readings(5.0, 8.5), peak=lambda: 700, runs=lambda: 1)
    assert meter.costs() == {
        **{"total_seconds": 3.5, "energy_joules": 250.0, "peak_memory_bytes": 700},
        "runs_on_gpu": 1,
    }


def test_what_earlier_attempts_took_counts() -> None:
    meter = Meter(joules=Readings(100.0, 130.0), clock=Readings(5.0, 7.0))
    meter.add({"total_seconds": 60.0, "energy_joules": 900.0, "peak_memory_bytes": 500})
    costs = meter.costs()
    assert (costs["total_seconds"], costs["energy_joules"]) == (62.0, 930.0)


@pytest.mark.parametrize(
    ("before", "now", "peak"),
    [(500, 700, 700), (900, 700, 900), (None, 700, None), (900, None, None)],
)
def test_the_peak_of_memory_is_that_of_the_attempt_that_took_most(
    before: int | None, now: int | None, peak: int | None
) -> None:
    meter = Meter(peak=lambda: now)
    meter.add({"total_seconds": 60.0, "energy_joules": None, "peak_memory_bytes": before})
    assert meter.costs()["peak_memory_bytes"] == peak


def test_a_checkpoint_of_an_earlier_release_leaves_peak_and_runs_unknown() -> None:
    meter = Meter(peak=lambda: 700, runs=lambda: 1)
    meter.add({"total_seconds": 60.0, "energy_joules": None})
    costs = meter.costs()
    assert costs["peak_memory_bytes"] is costs["runs_on_gpu"] is None


@pytest.mark.parametrize(
    ("before", "now", "runs", "joules"),
    [(0, 1, 1, 130.0), (1, 1, 1, 130.0), (0, 2, 2, None), (1, 8, 8, None), (8, 1, 8, None)],
)
def test_nobody_knows_the_joules_of_a_run_whose_gpu_had_others(
    before: int, now: int, runs: int, joules: float | None
) -> None:
    meter = Meter(joules=Readings(100.0, 130.0), runs=lambda: now)
    known = 100.0 if before <= 1 else None  # as a checkpoint has it
    meter.add({"total_seconds": 60.0, "energy_joules": known, "runs_on_gpu": before})
    costs = meter.costs()
    assert (costs["runs_on_gpu"], costs["energy_joules"]) == (runs, joules)


MEBI = 2**20
# A process, run by one that has taken 400 MiB and given them back, which takes 100 itself.
TAKES = """from interlude.jobs.machine import resident_peak
before = resident_peak()
taken = b'x' * (100 << 20)
print(resident_peak() - before, flush=True)
"""
BEFORE = """import os, sys
large = b'x' * (400 << 20)
del large
if os.fork():
    sys.exit(os.wait()[1])
"""
RUN_BY = {
    "a fork": TAKES,
    "a program that is started": f"os.execv(sys.executable, [sys.executable, '-c', {TAKES!r}])",
}


@pytest.mark.parametrize("kind", RUN_BY)
def test_the_peak_is_of_the_process_and_not_of_what_started_it(kind: str) -> None:
    """A job of Snakemake is a fork of a warm server, or a program of its own."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = [sys.executable, "-c", BEFORE + RUN_BY[kind]]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(told.stdout) / MEBI == pytest.approx(100, abs=10)


def test_where_the_kernel_does_not_tell_the_peak_is_unknown(tmp_path: Path) -> None:
    assert resident_peak(tmp_path / "status") is None
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert resident_peak(tmp_path / "status") is None
    (tmp_path / "status").write_text("VmPeak:\t  900 kB\nVmHWM:\t  700 kB\nVmRSS:\t 5 kB\n")
    assert resident_peak(tmp_path / "status") == 700 * 1024


@pytest.mark.parametrize("readings", [(None, None), (100.0, None), (None, 100.0)])
def test_energy_that_was_not_counted_throughout_is_unknown(readings: tuple[float | None]) -> None:
    assert Meter(joules=Readings(*readings)).costs()["energy_joules"] is None


def test_energy_of_an_attempt_elsewhere_leaves_the_sum_unknown() -> None:
    meter = Meter(joules=Readings(100.0, 130.0))
    meter.add({"total_seconds": 60.0, "energy_joules": None})
    assert meter.costs()["energy_joules"] is None


class LostError(Exception):
    """What ends a training in these tests, like a machine that fails."""


def test_a_training_that_goes_on_has_taken_what_its_attempts_took(
    model: Path, encoded: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = tiny.training("single", settings=tiny.settings(epochs=4, evaluations=6))
    job = tiny.job(training, tiny.files(model, encoded["single"], tmp_path))
    lines = iter(range(4))

    def lose(_: str) -> None:
        if next(lines, None) is None:
            raise LostError

    def an_hour_later(joules: Counter, peak: Peak, runs: Runs) -> Meter:
        readings = iter([0.0])
        return Meter(joules, clock=lambda: next(readings, 3600.0), peak=lambda: 10**12, runs=runs)

    with monkeypatch.context() as patch:
        patch.setattr("interlude.jobs.perform.Meter", an_hour_later)
        with pytest.raises(LostError):
            perform(job, 1, lose, checkpoint_minutes=0, runs_on_gpu=lambda: 3)
    perform(job, 1, lambda _: None, checkpoint_minutes=0, runs_on_gpu=lambda: 2)
    record = tiny.read_record(job.files)
    assert record["runs_on_gpu"] == 3
    assert 3600 < record["total_seconds"] < 3700
    assert record["peak_memory_bytes"] == 10**12


def test_a_processor_counts_no_energy_of_one_training() -> None:
    assert energy_counter(torch.device("cpu"))() is None


def test_energy_of_a_gpu_that_is_not_there_is_unknown() -> None:
    assert gpu_energy_counter("GPU-of-nobody")() is None


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for a pretended driver")
@pytest.mark.parametrize(("uuid", "printed"), [(GPU, "2.5"), ("GPU-of-nobody", "None")])
def test_a_gpu_is_asked_through_its_driver(uuid: str, printed: str, tmp_path: Path) -> None:
    source = tmp_path / "nvml.c"
    source.write_text(LIBRARY)
    library = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    program = (
        "from interlude.jobs.meter import Meter, gpu_energy_counter\n"
        f"print(Meter(gpu_energy_counter({uuid!r})).costs()['energy_joules'])"
    )
    places = {"LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": str(SOURCES)}
    asked = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == printed


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_that_is_there_counts_or_says_that_it_does_not() -> None:
    joules = energy_counter(torch.device("cuda"))()
    assert joules is None or joules > 0
