"""The programs of a sweep: from the records of what was tried to a choice, and to a table."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from helpers import tiny

from interlude.jobs.arguments import job_of, job_parser
from interlude.jobs.failure import leave_without_result
from interlude.jobs.record import planned_part, write_predictions, write_record
from interlude.plan.cells import SWEEP, Cell, to_csv
from interlude.plan.trainings import Training

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
RATES = (1e-3, 1e-4, 1e-5)
TRIED = [tiny.training("pair", settings=tiny.settings(learning_rate=rate)) for rate in RATES]
RULE = '{"margin": 0.0}'


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A folder with a record of each rate: the second has the best score, the third failed."""
    for training, score in zip(TRIED, (0.6, 0.8), strict=False):
        write(tmp_path / "trained", training, score)
    lose(tmp_path / "trained", TRIED[2])
    return tmp_path / "trained"


def write(trained: Path, training: Training, score: float) -> None:
    files = tiny.files(trained, trained, trained / training.id)
    measured = {"score": score, "majority_score": 0.5, "chance_score": 0.5, "constant": False}
    part = planned_part(training.part) | measured | {"validation_examples": 1}
    write_predictions(files.predictions, ["a"], [0], [1])
    write_record(tiny.job(training, files), {"status": "ok", "reason": None, "parts": [part]})


def lose(trained: Path, training: Training) -> None:
    files = tiny.files(trained, trained, trained / training.id)
    leave_without_result(tiny.job(training, files), "failed", "why")


def run_script(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:
        runpy.run_path(str(SCRIPTS / name), run_name="__main__")
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def choose(monkeypatch: pytest.MonkeyPatch, trained: Path, rule: str = RULE) -> Path:
    out = trained.with_name("chosen.json")
    records = [str(trained / training.id / "record.json") for training in TRIED]
    told = ["--settings", "learning_rate", "--rule", rule, "--out", str(out)]
    assert run_script(monkeypatch, "choose_settings.py", "--records", *records, *told) == 0
    return out


def test_the_best_settings_are_chosen(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = json.loads(choose(monkeypatch, trained).read_text())
    assert chosen == {"point": 2, "settings": {"learning_rate": 1e-4}}


def test_while_the_same_settings_win_the_choice_keeps_its_bytes(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = choose(monkeypatch, trained).read_bytes()
    write(trained, TRIED[1], 0.9)
    assert choose(monkeypatch, trained).read_bytes() == before


def test_what_was_chosen_is_what_a_job_trains_with(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choose(monkeypatch, trained)
    job = tiny.job(tiny.training("pair"), tiny.files(Path("m"), Path("e"), Path("o")))
    line = [*tiny.arguments(job), "--chosen", str(chosen)]
    settled = job_of(job_parser(None).parse_args(line)).training
    assert settled == replace(job.training, settings=TRIED[1].settings)
    assert settled.id == job.training.id


def test_where_no_score_is_sound_nothing_is_chosen(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = json.loads(choose(monkeypatch, trained, rule='{"margin": 0.4}').read_text())
    assert chosen == {"point": None, "settings": {}}


def test_the_table_of_the_sweep_has_a_row_for_each_point(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [
        Cell(SWEEP, "target", "none", None, "tiny-pair", None, point, training.id)
        for point, training in enumerate(TRIED, start=1)
    ]
    scored = Cell("single", "target", "none", None, "tiny-pair", 1, None, "0" * 16)
    plan, out = tmp_path / "plan.csv", tmp_path / "sweep.csv"
    plan.write_text(to_csv([scored, *cells]))
    places = ["--plan", str(plan), "--trained", str(trained), "--out", str(out)]
    told = ["--settings", "learning_rate", "--rule", RULE]
    assert run_script(monkeypatch, "collect_sweep.py", *places, *told) == 0
    table = pd.read_csv(out)
    assert table["point"].tolist() == [1, 2, 3]
    assert table["learning_rate"].tolist() == list(RATES)
    assert table["status"].tolist() == ["ok", "ok", "failed"]
    assert table["chosen"].tolist() == [False, True, False]
    assert table["score"].tolist()[:2] == pytest.approx([60, 80])
