"""The estimate of a study's costs is exact where it can be, and says what it rests on."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from helpers.synthetic import record, runs_of

from interlude.analysis.estimate import estimate, planned_examples
from interlude.errors import InputError

MEASURED = runs_of(
    [
        record("target", "none", "boolq", 1, 0.6),
        record("intermediate", "none", "sarcasm", 1, 0.7, tokens=20_000, train_seconds=10.0),
        record("target", "none", "disfl-qa", 1, 0.6) | {"status": "failed", "score": None},
    ]
)


BY_EPOCHS = {"steps": None, "batch_size": 8}


def plan(*entries: tuple[str, str, int, int | None, float]) -> pd.DataFrame:
    columns = ["role", "task", "runs", "train_examples", "epochs"]
    return pd.DataFrame(entries, columns=columns)


def test_a_measured_task_scales_with_runs_examples_and_epochs() -> None:
    # Measured: 512 examples, 2 epochs, 40,000 tokens in 20 s, and 7 s besides.
    table = estimate(plan(("target", "boolq", 6, 1024, 4)), MEASURED, 0).set_index("step")
    assert table.loc["target", "tokens"] == pytest.approx(6 * 4 * 40_000)
    assert table.loc["target", "hours"] == pytest.approx(6 * (4 * 20 + 7) / 3600)
    assert table.loc["target", "measured_tasks"] == 1


def test_trainings_that_shared_a_gpu_took_a_part_of_it() -> None:
    shared = runs_of([record("target", "none", "boolq", 1, 0.6, runs_on_gpu=8)])
    table = estimate(plan(("target", "boolq", 6, 1024, 4)), shared, 0).set_index("step")
    assert table.loc["target", "hours"] == pytest.approx(6 * (4 * 20 + 7) / 3600 / 8)


def test_a_task_that_was_not_measured_takes_the_others_of_its_kind() -> None:
    table = estimate(plan(("target", "mnli", 1, None, 2)), MEASURED, 0).set_index("step")
    assert table.loc["target", "tokens"] == pytest.approx(40_000)
    assert table.loc["target", ["measured_tasks", "tasks"]].tolist() == [0, 1]


def test_intermediate_runs_keep_encoders_and_the_total_adds_up() -> None:
    planned = plan(("target", "boolq", 2, 512, 2), ("intermediate", "sarcasm", 3, 512, 2))
    table = estimate(planned, MEASURED, 90e6).set_index("step")
    assert list(table.index) == ["intermediate", "target", "total"]
    assert table.loc["intermediate", "disk_gb"] == pytest.approx(0.27, abs=0.001)
    assert table.loc["total", "runs"] == 5
    assert table.loc["total", "hours"] == pytest.approx(table["hours"].iloc[:2].sum())


def test_the_disk_is_unknown_where_the_encoder_is() -> None:
    planned = plan(("target", "boolq", 2, 512, 2), ("intermediate", "sarcasm", 3, 512, 2))
    table = estimate(planned, MEASURED, math.nan).set_index("step")
    assert table["disk_gb"].isna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("limit", "published", "downloaded", "expected"),
    [
        (100, 500, 300, 100),
        (None, 500, 300, 300),
        (400, 500, 300, 300),
        (None, 500, None, 500),
        (100, None, None, 100),
        (None, None, None, math.nan),
    ],
)
def test_examples_are_those_that_are_there(
    tmp_path: Path,
    limit: int | None,
    published: int | None,
    downloaded: int | None,
    expected: float,
) -> None:
    if downloaded:
        (tmp_path / "boolq").mkdir()
        manifest = {"sizes": {"train": downloaded}}
        (tmp_path / "boolq/manifest.json").write_text(json.dumps(manifest))
    entry = {"role": "target", "task": "boolq", "runs": 1, "epochs": 2, **BY_EPOCHS}
    planned = planned_examples([{**entry, "limit": limit, "published": published}], tmp_path)
    assert planned["train_examples"].tolist() == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize(("published", "epochs"), [(400, 20), (None, 2)])
def test_planned_steps_become_epochs_where_the_size_is_known(
    published: int | None, epochs: float
) -> None:
    entry = {"role": "target", "task": "boolq", "runs": 1, "epochs": 2, "limit": None}
    entry |= {"steps": 1000, "batch_size": 8, "published": published}
    assert planned_examples([entry], Path("nowhere"))["epochs"].tolist() == [epochs]


@pytest.mark.parametrize("settings", [{"steps": 500}, {"evaluate_every": 100}, {"patience": 1}])
def test_a_run_that_was_measured_by_steps_counts_those_it_did(settings: dict[str, int]) -> None:
    # 256 steps of 4 examples are two passes over 512, whatever was planned.
    run = record("target", "none", "boolq", 1, 0.6) | {"steps": 256}
    run["hyperparameters"] = json.dumps({"epochs": 99, "batch_size": 4, **settings})
    table = estimate(plan(("target", "boolq", 6, 1024, 4)), runs_of([run]), 0).set_index("step")
    assert table.loc["target", "tokens"] == pytest.approx(6 * 4 * 40_000)


def test_a_study_that_trains_nothing() -> None:
    with pytest.raises(InputError, match="the study trains nothing"):
        estimate(planned_examples([], Path()), MEASURED, 0)


def test_nothing_measured_is_bad_input() -> None:
    with pytest.raises(InputError, match=r"no run was measured.*plan.measured"):
        estimate(plan(("target", "boolq", 1, 512, 2)), MEASURED.iloc[2:], 0)
