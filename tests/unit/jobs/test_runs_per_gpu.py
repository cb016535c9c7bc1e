"""How many trainings share a GPU, by the config and by what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.pretended import pretend_gpus

from interlude.jobs.runs_per_gpu import MOST, runs_allowed, runs_that_fit

GB = 10**9
H100 = 81_559 * 2**20


def leave(folder: Path, name: str, **changes: Any) -> None:
    """Leave the record of a training that took 10 GB of a GPU."""
    record = {
        **{"status": "ok", "model": "tiny", "device": "NVIDIA H100", "steps": 1},
        "peak_memory_bytes": 10 * GB,
    }
    (folder / name).mkdir(parents=True)
    (folder / name / "record.json").write_text(json.dumps(record | changes))


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for records, on a machine with a pretended GPU."""
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, ["GPU-only"]))
    return tmp_path / "trained"


def of_auto(trained: Path, gpu: str = "GPU-only", **more: int) -> int:
    return runs_allowed("auto", "tiny", trained, **more)(gpu)


def test_a_number_is_as_it_is_given(trained: Path) -> None:
    assert runs_allowed(3, "tiny", trained)("GPU-only") == 3


@pytest.mark.parametrize(
    ("peak", "fit"),
    [
        (10 * GB, 5),  # 85.5 GB; each 1.5 × 10 and 1 for CUDA
        (GB // 5, 8),  # no more than were measured
        (40 * GB, 1),
        (80 * GB, 1),  # a training that fills it, fits
    ],
)
def test_as_many_fit_as_the_memory_has_room_for(peak: int, fit: int) -> None:
    assert runs_that_fit(peak, H100) == fit


def test_before_a_training_was_measured_it_is_one_or_as_many_as_may_come(trained: Path) -> None:
    assert of_auto(trained) == 1
    assert of_auto(trained, unmeasured=MOST) == 8


def test_the_largest_peak_of_the_model_counts(trained: Path) -> None:
    leave(trained, "a", peak_memory_bytes=GB)
    assert of_auto(trained) == 8
    leave(trained, "b")
    leave(trained, "c", peak_memory_bytes=2 * GB)
    assert of_auto(trained) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"device": "cpu x86_64"},
        {"status": "failed"},
        {"taken_from": "elsewhere"},
        {"peak_memory_bytes": None},
    ],
)
def test_what_was_not_measured_on_a_gpu_here_tells_nothing(
    changes: dict[str, Any], trained: Path
) -> None:
    leave(trained, "a", **changes)
    assert of_auto(trained) == 1


def test_a_training_that_is_measured_meanwhile_counts(trained: Path) -> None:
    allowed = runs_allowed("auto", "tiny", trained)
    assert allowed("GPU-only") == 1
    leave(trained, "a")
    assert allowed("GPU-only") == 5


def test_a_part_of_a_gpu_whose_memory_nobody_tells_has_one(trained: Path) -> None:
    leave(trained, "a")
    assert of_auto(trained, "MIG-part", unmeasured=MOST) == 1
