"""The sweep: what it plans, and which settings win."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny
from interlude.plan.runspec import Settings

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.sweep import choose, sweep_table
from interlude.errors import InputError
from interlude.jobs.arguments import run_parser, told
from interlude.plan.study import Study, load_study

GRID = {"learning_rate": [1e-3, 1e-4], "head_dropout": [0.2, 0.1]}
RULE = DegenerateRule()


def study(root: Path, **changes: Any) -> Study:
    tiny.write_registry(root)
    return load_study(tiny.config(sweep=GRID, **changes), root, where="study.yaml")


def record(number: int, score: float | None, **changes: Any) -> dict[str, Any]:
    """Return the record of a sweep's run, whose majority score is .5."""
    rate = GRID["learning_rate"][(number - 1) // 2]
    dropout = GRID["head_dropout"][(number - 1) % 2]
    facts = {
        **{"study": "tiny", "kind": "target", "source": "none", "task": "rte"},
        **{"restart": number, "status": "ok", "metric": "accuracy", "score": score},
        **{"majority_score": 0.5, "chance_score": 0.5, "constant": False},
        "hyperparameters": {"learning_rate": rate, "head_dropout": dropout, "epochs": 3},
    }
    return facts | changes


# The plan


def test_every_combination_is_tried_in_the_order_of_the_config(tmp_path: Path) -> None:
    assert study(tmp_path).swept == [
        {"learning_rate": 1e-3, "head_dropout": 0.2},
        {"learning_rate": 1e-3, "head_dropout": 0.1},
        {"learning_rate": 1e-4, "head_dropout": 0.2},
        {"learning_rate": 1e-4, "head_dropout": 0.1},
    ]


def test_a_study_without_a_sweep_tries_nothing(tmp_path: Path) -> None:
    tiny.write_registry(tmp_path)
    assert load_study(tiny.config(), tmp_path).swept == []


def test_a_run_of_the_sweep_is_a_baseline_with_tried_settings(tmp_path: Path) -> None:
    planned = study(
        tmp_path,
        training={"target": {"epochs": 7}},
        overrides={"target": {"tiny-pair": {"learning_rate": 0.5, "batch_size": 4}}},
    )
    spec = planned.sweep_spec("target", "tiny-pair", 4)
    assert (spec.kind, spec.source, spec.task, spec.restart) == ("target", "none", "tiny-pair", 4)
    assert spec.source_seed is None
    assert spec.settings == Settings(epochs=7, batch_size=4, learning_rate=1e-4, head_dropout=0.1)


@pytest.mark.parametrize("seeds", [None, [dict.fromkeys(("intermediate", "target", "probing"), 7)]])
def test_one_seed_for_all_combinations_that_no_restart_has(tmp_path: Path, seeds: Any) -> None:
    planned = study(tmp_path, seeds=seeds, restarts=1)
    drawn = {planned.sweep_spec("target", "tiny-pair", number).seed for number in (1, 2, 3, 4)}
    assert len(drawn) == 1
    assert drawn != {planned.seed("target", 1)}


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ({}, "key sweep"),
        ({"learning_rate": []}, "key sweep.learning_rate: found []"),
        ({"learning_rate": [1e-3, 1e-3]}, "key sweep.learning_rate: found [0.001, 0.001]"),
        ({"learning_rate": [0]}, "key sweep.learning_rate.0: found 0. Allowed: peak learning"),
        ({"max_length": [64]}, "key sweep: unknown key 'max_length'"),
    ],
)
def test_a_wrong_sweep_is_refused(tmp_path: Path, sweep: Any, said: str) -> None:
    tiny.write_registry(tmp_path)
    with pytest.raises(InputError) as raised:
        load_study(tiny.config(sweep=sweep), tmp_path, where="study.yaml")
    assert said in str(raised.value)


# The choice


def test_the_best_score_wins_and_the_first_of_equal_ones() -> None:
    records = [record(1, 0.6), record(2, 0.8), record(3, 0.8), record(4, 0.7)]
    assert choose(records, list(GRID), RULE) == {
        "number": 2,
        "settings": {"learning_rate": 1e-3, "head_dropout": 0.1},
    }


@pytest.mark.parametrize(
    "lost",
    [
        {"constant": True},
        {"majority_score": 0.95},
        {"status": "diverged", "score": None, "constant": None},
        {"status": "failed", "score": None, "majority_score": None, "metric": "accuracy"},
    ],
    ids=["constant", "at chance", "diverged", "failed"],
)
def test_a_run_without_a_sound_result_never_wins(lost: dict[str, Any]) -> None:
    records = [record(1, 0.9, **lost) if "score" not in lost else record(1, None) | lost]
    assert choose(records, list(GRID), RULE) == {"number": None, "settings": {}}
    assert choose([*records, record(2, 0.6)], list(GRID), RULE)["number"] == 2


def test_each_task_and_kind_has_its_choice_in_the_table() -> None:
    records = [
        *(record(1, 0.6), record(2, 0.7)),
        *(record(1, 0.9, kind="probing"), record(2, 0.8, kind="probing")),
        *(record(1, 0.5, task="cb"), record(2, 0.4, task="cb")),
    ]
    table = sweep_table(records, list(GRID), RULE)
    assert table["chosen"].tolist() == [False, True, True, False, False, False]
    assert table["score"].tolist() == pytest.approx([60, 70, 90, 80, 50, 40])
    assert table["number"].tolist() == [1, 2] * 3
    assert table["head_dropout"].tolist() == [0.2, 0.1] * 3
    reasons = table["degenerate_reason"].isna().tolist()
    assert reasons == [True, True, True, True, False, False]


# What a run is told


def test_the_choice_goes_before_the_settings_of_the_run(tmp_path: Path) -> None:
    spec = tiny.spec("single")
    choice = tmp_path / "rte.json"
    choice.write_text(json.dumps(choose([record(4, 0.8)], list(GRID), RULE)))
    line = ["--spec", spec.to_json(), "--code", "c", "--model", "m", "--encoded", "e"]
    line += ["--record", "r.json"]
    chosen = told(run_parser(None).parse_args([*line, "--chosen", str(choice)]))
    assert chosen.settings == tiny.settings(learning_rate=1e-4, head_dropout=0.1)
    assert told(run_parser(None).parse_args(line)) == spec


@pytest.mark.parametrize(
    "content",
    ["", '{"number": 1, "set', "[]", "null", '{"number": 1}', '{"settings": {"learning": 1}}'],
)
def test_a_broken_choice_is_named_and_not_used(content: str, tmp_path: Path) -> None:
    choice = tmp_path / "rte.json"
    choice.write_text(content)
    line = ["--spec", tiny.spec("single").to_json(), "--code", "c", "--model", "m"]
    line += ["--encoded", "e", "--record", "r.json", "--chosen", str(choice)]
    with pytest.raises(InputError, match=rf"{choice}: not a whole choice .* Delete it and run"):
        told(run_parser(None).parse_args(line))
