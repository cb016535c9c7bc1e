"""What a training asks for follows from its planned tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import tiny

from interlude.jobs.needs import START_MINUTES, UNKNOWN_ROWS, known_rows, minutes, planned_tokens
from interlude.plan.tasks import load_task

ROWS = {"tiny-single": 1000}


@pytest.mark.parametrize(
    ("examples", "settings", "tokens"),
    [
        (None, {"epochs": 2, "evaluations": 3}, (2 * 1000 * 32, 3 * 1000 * 32)),
        (100, {"epochs": 2, "validation_examples": 50}, (2 * 100 * 32, 3 * 50 * 32)),
        (5000, {"epochs": 1, "interim_examples": 10}, (1000 * 32, 3 * 10 * 32)),
        (None, {"steps": 40, "validation_examples": 7}, (40 * 8 * 32, 3 * 7 * 32)),
        (
            None,
            {"steps": 40, "evaluate_every": 10, "validation_examples": 7},
            (40 * 8 * 32, 4 * 7 * 32),
        ),
    ],
)
def test_planned_tokens(
    examples: int | None, settings: dict[str, int], tokens: tuple[int, int]
) -> None:
    training = tiny.training("single", examples=examples, settings=tiny.settings(**settings))
    assert planned_tokens(training, ROWS) == tokens


def test_time_grows_with_tokens_and_weights_and_a_gpu_is_faster() -> None:
    short, long = (
        tiny.training("single", settings=tiny.settings(epochs=epochs)) for epochs in (1, 100)
    )
    large = 1_400_000_000
    assert minutes(long, ROWS, large, True) > minutes(short, ROWS, large, True) > START_MINUTES
    assert minutes(short, ROWS, 10 * large, True) > minutes(short, ROWS, large, True)
    assert minutes(short, ROWS, large, False) > minutes(short, ROWS, large, True)


def test_runs_that_share_a_gpu_may_have_to_take_turns() -> None:
    training = tiny.training("single", settings=tiny.settings(epochs=100))
    alone, shared = (minutes(training, ROWS, 10**10, True, runs) for runs in (1, 8))
    assert shared - START_MINUTES == pytest.approx(8 * (alone - START_MINUTES), abs=8)


def test_rows_are_those_of_the_data_else_published_else_a_guess(tmp_path: Path) -> None:
    published = tiny.task_file("single") | {"published": {"train": 700, "validation": 30}}
    told = load_task(tiny.write_yaml(tmp_path / "tiny-single.yaml", published))
    untold = load_task(tiny.write_yaml(tmp_path / "tiny-pair.yaml", tiny.task_file("pair")))
    assert known_rows(told, tmp_path / "gone") == 700
    assert known_rows(untold, tmp_path / "gone") == UNKNOWN_ROWS
    (tmp_path / "manifest.json").write_text(json.dumps({"sizes": {"train": 12}}))
    assert known_rows(told, tmp_path) == 12


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"sizes": null}', '{"sizes": {"train": "x"}}'])
def test_a_broken_manifest_is_for_others_to_refuse(broken: str, tmp_path: Path) -> None:
    untold = load_task(tiny.write_yaml(tmp_path / "tiny-pair.yaml", tiny.task_file("pair")))
    (tmp_path / "manifest.json").write_text(broken)
    assert known_rows(untold, tmp_path) == UNKNOWN_ROWS
