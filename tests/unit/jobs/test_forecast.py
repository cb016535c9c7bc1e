"""What is said of a study before anything runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

import interlude
from interlude.jobs.forecast import AT_FIRST, Machine, forecast, in_rounds
from interlude.plan.trainings import Training

HERE = Machine("tiny", on_gpu=False, side_by_side=2, model_bytes=40_000_000)
ROWS = {"tiny-single": 100, "tiny-pair": 1000}
SINGLE, PAIR = (
    replace(tiny.training(form), settings=tiny.settings(epochs=2, steps=None, batch_size=5))
    for form in ("single", "pair")
)


def leave(folder: Path, name: str, **changes: Any) -> None:
    """Leave the record of a training of 200 examples of 10 tokens: 20 s, 5 of them beside it."""
    record = {
        "status": "ok",
        "model": "tiny",
        "device": "cpu x86_64",
        "parts": [{"task": "tiny-single"}],
        "steps": 40,
        "hyperparameters": {"batch_size": 5},
        "tokens": 2000,
        "train_seconds": 12.0,
        "evaluation_seconds": 3.0,
        "total_seconds": 20.0,
    }
    (folder / name).mkdir(parents=True)
    (folder / name / "record.json").write_text(json.dumps(record | changes))


def told(trainings: list[Training], folder: Path, **changes: Any) -> list[str]:
    kept = changes.pop("kept", ())
    rows = changes.pop("rows", ROWS)
    return forecast(trainings, kept, rows, replace(HERE, **changes), folder)


def test_before_anything_was_measured_time_is_not_known(tmp_path: Path) -> None:
    assert told([SINGLE, PAIR], tmp_path, kept=[SINGLE.id]) == [
        "2 to train (weights of 1 are kept for others to start from)",
        f"time: {AT_FIRST}",
        "disk: about 40.2 MB: 1 × 40 MB of weights, and 100 kB each; "
        "data and encodings come on top",
    ]


def test_nothing_to_train_is_nothing_to_say(tmp_path: Path) -> None:
    assert told([], tmp_path) == []


def test_time_is_that_of_the_tokens_and_of_what_is_beside_them(tmp_path: Path) -> None:
    leave(tmp_path, "a")
    # 200 and 2,000 examples of 10 tokens, at 15 s for 2,000 tokens, and 5 s beside: 15 + 150 + 10
    line = told([SINGLE, PAIR] * 12, tmp_path)[1]
    assert pytest.approx(17.5) == 12 * (15 + 150 + 10) / 2 / 60
    assert line == "time: about 18 minutes with 2 side by side, by 1 measured here"


def test_examples_of_a_task_have_the_length_that_was_measured_on_it(tmp_path: Path) -> None:
    leave(tmp_path, "a")
    leave(tmp_path, "b", parts=[{"task": "tiny-pair"}], tokens=20_000, train_seconds=147.0)
    line = told([PAIR] * 8, tmp_path)[1]
    # 2,000 examples of 100 tokens at .0075 s, beside a median of 5 and -130 s
    beside = (5 + (20 - 150)) / 2
    assert line.startswith(f"time: about {round(8 * (1500 + beside) / 2 / 60)} minutes")


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"device": "NVIDIA H100"},
        {"status": "diverged"},
        {"taken_from": "elsewhere"},
        {"steps": 0},
    ],
)
def test_trainings_of_other_kinds_or_places_tell_nothing(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    leave(tmp_path, "a", **changes)
    assert told([SINGLE], tmp_path)[1] == f"time: {AT_FIRST}"


GPU = {"on_gpu": True, "side_by_side": 16, "gpus": 2}


def test_trainings_that_shared_a_gpu_had_a_part_of_it_each(tmp_path: Path) -> None:
    leave(tmp_path, "a", device="NVIDIA H100", runs_on_gpu=8)
    # 15 s for 2,000 tokens and 5 s beside them, of which a GPU had eight at a time
    minutes = round(96 * (15 + 5) / 8 / 2 / 60)
    line = told([SINGLE] * 96, tmp_path, **GPU)[1]
    assert line == f"time: about {minutes} minutes with 16 side by side, by 1 measured here"


@pytest.mark.parametrize("alone", [{}, {"runs_on_gpu": 1}])
def test_by_trainings_that_were_alone_the_time_is_the_longest(
    alone: dict[str, int], tmp_path: Path
) -> None:
    leave(tmp_path, "a", device="NVIDIA H100", **alone)
    line = told([SINGLE] * 96, tmp_path, **GPU)[1]
    assert line == (
        f"time: about {round(96 * 20 / 2 / 60)} minutes with 16 side by side, by 1 measured here, "
        "each alone on its GPU: together they take less"
    )
    line = told([SINGLE] * 96, tmp_path, **GPU | {"side_by_side": 2})[1]
    assert line == "time: about 16 minutes with 2 side by side, by 1 measured here"


def test_a_broken_record_is_left_to_whoever_needs_it(tmp_path: Path) -> None:
    leave(tmp_path, "a")
    leave(tmp_path, "b")
    (tmp_path / "b/record.json").write_text("{")
    assert "by 1 measured" in told([SINGLE], tmp_path)[1]


def test_a_task_whose_size_is_not_known_is_told(tmp_path: Path) -> None:
    leave(tmp_path, "a")
    rows = {"tiny-single": 100, "tiny-pair": None}
    line = told([SINGLE, PAIR], tmp_path, rows=rows)[1]
    assert line.endswith("measured here, without 1 of tasks whose size is not known yet")
    cut = replace(PAIR, parts=(replace(PAIR.part, examples=50),))
    assert "without" not in told([SINGLE, cut], tmp_path, rows=rows)[1]


def test_a_start_is_as_large_as_those_that_were_left_or_as_the_model(tmp_path: Path) -> None:
    assert told([SINGLE], tmp_path, kept=[SINGLE.id], model_bytes=None)[2] == (
        "disk: 1 times the size of the model, which is not here yet, and 100 kB each; data and "
        "encodings come on top"
    )
    leave(tmp_path, "a", start_bytes=2_000_000)
    assert told([SINGLE], tmp_path, kept=[SINGLE.id])[2].startswith("disk: about 2.1 MB: 1 × ")


def test_it_imports_nothing_slow() -> None:
    code = (
        "import sys, interlude.jobs.forecast; print(*{'torch', 'pandas', 'numpy'} & {*sys.modules})"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(interlude.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_of_rounds_it_says_what_the_grid_would_be() -> None:
    assert in_rounds(27) == (
        "in rounds: the scores of each decide on the next; the whole grid has 27 trainings"
    )
