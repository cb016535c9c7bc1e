"""A study whose settings a sweep chooses, from the first run to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from project import Project, copy_project

RESULTS = Path("results/tiny")
RATES = [0.0000001, 0.0005]  # with the first, nothing is learnt
GRID = "[0.0000001, 0.0005]"  # as YAML reads numbers, without an exponent
SWEEP = f"""
study: tiny
restarts: 1
target: [finance-ner]
probing: [privacy-qa]
degenerate: {{constant: false, chance: false}}
sweep: {{learning_rate: {GRID}}}
"""
STUDY = ("--configfile", "tiny.yaml", "sweep.yaml")
TASKS = {"intermediate": "sarcasm", "target": "finance-ner", "probing": "privacy-qa"}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which a study with a sweep has been run to its end."""
    project = copy_project(tmp_path_factory.mktemp("swept") / "interlude")
    (project.root / "sweep.yaml").write_text(SWEEP)
    project.run(*STUDY)
    return project


def read(project: Project, path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project.root / RESULTS / path).read_text())
    return document


@pytest.mark.parametrize("kind", TASKS)
def test_the_better_setting_is_chosen_and_used_by_every_run(swept: Project, kind: str) -> None:
    task = TASKS[kind]
    tried = [read(swept, f"sweep/{kind}/{task}/{number}.json") for number in (1, 2)]
    assert [record["hyperparameters"]["learning_rate"] for record in tried] == RATES
    scores = [record["score"] for record in tried]
    better = RATES[scores.index(max(scores))]
    choice = read(swept, f"sweep/{kind}/{task}.json")
    assert choice["settings"] == {"learning_rate": better}
    runs = sorted((swept.root / RESULTS / "runs" / kind).rglob("*.json"))
    assert len(runs) == (1 if kind == "intermediate" else 2)
    for path in runs:
        assert json.loads(path.read_text())["hyperparameters"]["learning_rate"] == better


@pytest.mark.parametrize("kind", TASKS)
def test_the_tried_settings_reach_the_training(swept: Project, kind: str) -> None:
    still, learning = (
        read(swept, f"sweep/{kind}/{TASKS[kind]}/{number}.json")["curve"][-1]["loss"]
        for number in (1, 2)
    )
    assert learning != still


def test_the_table_and_the_report_show_every_score_and_the_choice(swept: Project) -> None:
    table = pd.read_csv(swept.root / RESULTS / "tables/sweep.csv")
    assert len(table) == 6
    assert table["learning_rate"].tolist() == RATES * 3
    assert table.groupby("kind")["chosen"].sum().to_dict() == dict.fromkeys(TASKS, 1)
    for row in table.itertuples():
        record = read(swept, f"sweep/{row.kind}/{row.task}/{row.number}.json")
        assert row.score == pytest.approx(100 * record["score"])
    assert "tables/sweep.html" in (swept.root / RESULTS / "report.html").read_text()


def test_a_second_run_has_nothing_to_do(swept: Project) -> None:
    assert swept.planned(*STUDY) == {}


def test_the_same_choice_made_again_repeats_no_run(swept: Project) -> None:
    swept.run(*STUDY, "--forcerun", "choose_settings", "--until", "choose_settings")
    assert swept.planned(*STUDY) == {}


def test_another_value_reruns_its_task_and_nothing_that_keeps_its_settings(swept: Project) -> None:
    with swept.edited("sweep.yaml", "0.0005]", "0.0005, 0.001]"):
        planned = swept.planned(*STUDY)
    assert planned["train_sweep"] == 3
