"""Which settings of a sweep win, and what its table says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers import synthetic
from helpers.synthetic import runs_of

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.sweep import choose, read_sweep, sweep_table
from interlude.analysis.tables import write_csv

TRIED = ["learning_rate", "head_dropout"]
GRID = [(1e-3, 0.2), (1e-3, 0.1), (1e-4, 0.2), (1e-4, 0.1)]
RULE = DegenerateRule()
CHANCE = [(1, 0.5), (2, 0.4)]


def record(point: int, score: float | None, **changes: Any) -> dict[str, Any]:
    """A baseline trained with the settings of a point, whose majority score is .3."""
    role, task = changes.pop("role", "target"), changes.pop("task", "boolq")
    made = synthetic.record(role, "none", task, 1, 0.0)
    settings = dict(zip(TRIED, GRID[point - 1], strict=True))
    own = {"training": f"{role}-{task}-{point}", "point": point, "score": score}
    return {**made, **own, "hyperparameters": {**settings, "epochs": 3}, **changes}


def test_the_best_score_wins_and_the_first_of_equal_ones() -> None:
    runs = runs_of([record(1, 0.6), record(2, 0.8), record(3, 0.8), record(4, 0.7)])
    settings = {"learning_rate": 1e-3, "head_dropout": 0.1}
    assert choose(runs, TRIED, RULE) == {"point": 2, "settings": settings}


@pytest.mark.parametrize(
    "lost",
    [
        {"constant": True},
        {"majority_score": 0.95},
        {"status": "diverged", "score": None, "constant": None},
        {"status": "failed", "score": None, "majority_score": None},
    ],
    ids=["constant", "at chance", "diverged", "failed"],
)
def test_a_run_without_a_sound_result_never_wins(lost: dict[str, Any]) -> None:
    records = [record(1, 0.9) | lost]
    assert choose(runs_of(records), TRIED, RULE) == {"point": None, "settings": {}}
    assert choose(runs_of([*records, record(2, 0.6)]), TRIED, RULE)["point"] == 2


def test_each_task_and_role_has_its_choice_in_the_table() -> None:
    table = sweep_table(three_sweeps(), TRIED, RULE)
    assert list(table) == [
        *("role", "task", "point", *TRIED, "metric", "score", "status", "degenerate_reason"),
        "chosen",
    ]
    assert table["chosen"].tolist() == [False, True, True, False, False, False]
    assert table["score"].tolist() == pytest.approx([60, 70, 90, 80, 50, 40])
    assert table["point"].tolist() == [1, 2] * 3
    assert table["head_dropout"].tolist() == [0.2, 0.1] * 3
    assert table["degenerate_reason"].isna().tolist() == [True] * 4 + [False] * 2


def test_a_run_that_is_missing_stands_in_the_table_without_settings() -> None:
    gone = {**record(2, None), "status": "missing"}
    table = sweep_table(runs_of([record(1, 0.6), gone]), TRIED, RULE)
    assert table["status"].tolist() == ["ok", "missing"]
    assert table["head_dropout"].isna().tolist() == [False, True]
    assert table["chosen"].tolist() == [True, False]


def test_settings_keep_their_digits_in_the_table_of_a_study(tmp_path: Path) -> None:
    write_csv(sweep_table(three_sweeps(), TRIED, RULE), tmp_path / "sweep.csv")
    back = read_sweep(tmp_path / "sweep.csv")
    assert set(back["learning_rate"]) == {"0.001"}
    assert back["score"].tolist() == pytest.approx([60, 70, 90, 80, 50, 40])


def three_sweeps() -> pd.DataFrame:
    return runs_of(
        [
            *(record(1, 0.6), record(2, 0.7)),
            *(record(1, 0.9, role="probing"), record(2, 0.8, role="probing")),
            *(record(point, score, task="cb", majority_score=0.5) for point, score in CHANCE),
        ]
    )
