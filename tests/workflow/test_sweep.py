"""A study whose settings a sweep chooses, from the first training to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.project import Project, copy_prepared
from helpers.read_page import tables

from interlude.analysis.catalog import TABLES

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
def swept(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which a study with a sweep has been run to its end."""
    project = copy_prepared(finished, tmp_path_factory.mktemp("swept") / "interlude")
    (project.root / "sweep.yaml").write_text(SWEEP)
    project.run(*STUDY)
    return project


@pytest.mark.parametrize("role", TASKS)
def test_the_better_setting_is_chosen_and_used_by_every_training(swept: Project, role: str) -> None:
    tried = [record(swept, role, point) for point in (1, 2)]
    assert [each["hyperparameters"]["learning_rate"] for each in tried] == RATES
    scores = [score(each) for each in tried]
    better = RATES[scores.index(max(scores))]
    cells = [cell for cell in swept.cells(role=role) if cell.arm != "sweep"]
    assert len(cells) == (1 if role == "intermediate" else 2)
    for cell in cells:
        used = swept.record_in(Path("results/trained", cell.training))["hyperparameters"]
        assert used["learning_rate"] == better


@pytest.mark.parametrize("role", TASKS)
def test_the_tried_settings_reach_the_training(swept: Project, role: str) -> None:
    still, learning = (
        record(swept, role, point)["parts"][0]["curve"][-1]["loss"] for point in (1, 2)
    )
    assert learning != still


def record(project: Project, role: str, point: int) -> dict[str, Any]:
    return project.record(arm="sweep", role=role, task=TASKS[role], point=point)


def score(record: dict[str, Any]) -> float:
    (part,) = record["parts"]
    return float(part["score"])


def test_the_table_shows_every_score_and_the_choice(swept: Project) -> None:
    table = pd.read_csv(swept.root / RESULTS / "tables/sweep.csv")
    assert len(table) == 6
    assert table["learning_rate"].tolist() == RATES * 3
    assert table.groupby("role")["chosen"].sum().to_dict() == dict.fromkeys(TASKS, 1)
    for row in table.itertuples():
        assert row.score == pytest.approx(100 * score(record(swept, row.role, row.point)))
    page = (swept.root / RESULTS / "report.html").read_text()
    shown = tables(page)[TABLES["sweep"].title].table
    assert shown["Score"].astype(float).tolist() == pytest.approx(table["score"], abs=0.0501)
    assert shown["Chosen"].tolist() == table["chosen"].map({True: "yes", False: "no"}).tolist()


def test_a_second_run_has_nothing_to_do(swept: Project) -> None:
    assert swept.planned(*STUDY) == {}


def test_the_same_choice_made_again_repeats_no_training(swept: Project) -> None:
    swept.run(*STUDY, "--forcerun", "choose_settings", "--until", "choose_settings")
    assert swept.planned(*STUDY) == {}


def test_another_value_reruns_its_task_and_nothing_that_keeps_its_settings(swept: Project) -> None:
    with swept.edited("sweep.yaml", "0.0005]", "0.0005, 0.001]"):
        planned = swept.planned(*STUDY)
    assert planned["train_sweep"] == 3
