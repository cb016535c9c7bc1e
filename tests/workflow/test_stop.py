"""A study that stops cells once they are known: what it trains; it plans the same again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from helpers.project import Project, copy_prepared, copy_project
from helpers.read_page import tables

from interlude.analysis.catalog import TABLES

RESULTS = Path("results/tiny")
# Any difference of which an interval is known is negligible here.
STOP = """
study: tiny
restarts: 4
stop: when-known
negligible: 100
statistics: {alpha: 0.99}
degenerate: {constant: false, chance: false}
target: [privacy-qa, finance-ner]
probing: []
"""
STUDY = ("--configfile", "tiny.yaml", "stop.yaml")


@pytest.fixture(scope="module")
def stopped(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which such a study has been run to its end."""
    project = copy_prepared(finished, tmp_path_factory.mktemp("stopped") / "interlude")
    (project.root / "stop.yaml").write_text(STOP)
    project.run(*STUDY)
    return project


def test_before_it_starts_a_dry_run_knows_the_trainings_until_the_first_look(
    tmp_path: Path,
) -> None:
    project = copy_project(tmp_path / "interlude")
    (project.root / "stop.yaml").write_text(STOP)
    planned = project.planned(*STUDY)
    assert planned["train_intermediate"] == 3
    assert planned["train_target"] == 8 + 6
    assert planned["decide_round"] == 1


def test_cells_stop_after_three_restarts_and_baselines_have_all(stopped: Project) -> None:
    scores = pd.read_csv(stopped.root / RESULTS / "scores.csv")
    counts = scores.groupby(["role", "source"])["restart"].agg(list).to_dict()
    assert counts == {
        ("intermediate", "none"): [1, 2, 3],
        ("target", "none"): [1, 2, 3, 4] * 2,
        ("target", "sarcasm"): [1, 2, 3] * 2,
    }
    sourced = scores["source"] == "sarcasm"
    assert set(scores.loc[sourced, "stopped"]) == {"negligible"}
    assert scores.loc[~sourced, "stopped"].isna().all()
    trained = [*(stopped.root / "results/trained").glob("*/record.json")]
    assert len(trained) == len(scores) == 3 + 8 + 6


def test_rule_and_decisions_lie_in_one_file(stopped: Project) -> None:
    rounds = pd.read_csv(stopped.root / RESULTS / "rounds.csv")
    assert rounds["task"].tolist() == ["privacy-qa", "finance-ner"]
    assert set(rounds["restarts"]) == {3}
    assert rounds["level"].tolist() == pytest.approx([0.1 * 0.99 / 2] * 2)
    scores = pd.read_csv(stopped.root / RESULTS / "scores.csv")
    early = scores[(scores["role"] == "target") & (scores["restart"] <= 3)]
    means = 100 * early.groupby(["task", "source"])["score"].mean().unstack()
    delta = means["sarcasm"] - means["none"]
    assert rounds["delta"].tolist() == pytest.approx(delta[rounds["task"]].tolist())


def test_a_second_start_plans_the_same_and_trains_nothing(stopped: Project) -> None:
    assert stopped.planned(*STUDY) == {}


def test_a_decision_that_is_made_again_is_the_same_and_repeats_no_training(
    stopped: Project,
) -> None:
    decided = (stopped.root / RESULTS / "rounds/1.csv").read_text()
    stopped.run(*STUDY, "--forcerun", "decide_round", "--until", "decide_round")
    assert (stopped.root / RESULTS / "rounds/1.csv").read_text() == decided
    assert stopped.planned(*STUDY) == {}


def test_tables_figure_and_answer_say_which_cells_were_stopped(stopped: Project) -> None:
    transfer = pd.read_csv(stopped.root / RESULTS / "tables/transfer.csv")
    assert transfer["stopped"].tolist() == ["negligible"] * 2
    assert transfer["n"].tolist() == [3, 3]
    assert transfer["baseline_n"].tolist() == [4, 4]
    page = (stopped.root / RESULTS / "report.html").read_text()
    shown = tables(page)[f"{TABLES['transfer'].title}, all runs"].table
    assert shown["Runs"].tolist() == ["3"] * 2
    assert "2 of 2 cells were stopped" in (stopped.root / RESULTS / "answer.md").read_text()


def test_tables_of_what_is_there_wait_for_no_look(stopped: Project, tmp_path: Path) -> None:
    """To report is to list what is missing, not to train for a look that has not been."""
    results = stopped.root / RESULTS
    (cell,) = stopped.cells(role="target", source="sarcasm", task="privacy-qa", restart=3)
    gone = [results / "rounds/1.csv", stopped.root / f"results/trained/{cell.training}/record.json"]
    for path in gone:
        path.rename(tmp_path / path.name)
    planned = stopped.planned(*STUDY, "--config", "missing_runs=report")
    for path in gone:
        (tmp_path / path.name).rename(path)
    assert not {"train_target", "train_intermediate", "decide_round"} & set(planned)
    assert planned["collect_scores"] == 1


def test_with_all_restarts_only_those_that_were_left_out_are_trained(stopped: Project) -> None:
    (stopped.root / "all.yaml").write_text("stop: null\nnegligible: null\n")
    planned = stopped.planned(*STUDY, "all.yaml")
    assert planned["train_intermediate"] == 1
    assert planned["train_target"] == 2
