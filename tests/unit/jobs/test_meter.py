"""What a training is said to have taken: seconds and joules, over all its attempts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import tiny

from interlude.jobs.meter import Counter, Meter, energy_counter, gpu_energy_counter
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
    meter = Meter(joules=Readings(1000.0, 1250.0), clock=Readings(5.0, 8.5))
    assert meter.costs() == {"total_seconds": 3.5, "energy_joules": 250.0}


def test_what_earlier_attempts_took_counts() -> None:
    meter = Meter(joules=Readings(100.0, 130.0), clock=Readings(5.0, 7.0))
    meter.add({"total_seconds": 60.0, "energy_joules": 900.0})
    assert meter.costs() == {"total_seconds": 62.0, "energy_joules": 930.0}


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

    def an_hour_later(joules: Counter) -> Meter:
        readings = iter([0.0])
        return Meter(joules, clock=lambda: next(readings, 3600.0))

    with monkeypatch.context() as patch:
        patch.setattr("interlude.jobs.perform.Meter", an_hour_later)
        with pytest.raises(LostError):
            perform(job, 1, lose, checkpoint_minutes=0)
    perform(job, 1, lambda _: None, checkpoint_minutes=0)
    assert 3600 < tiny.read_record(job.files)["total_seconds"] < 3700


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
