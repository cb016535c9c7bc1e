"""Methods of selection in a study: from the encoders that sources leave to a number for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.project import Project, copy_prepared

from interlude.words import SELECTION_SCORES

SCORES = "results/tiny/selection_scores.parquet"
SELECTED: dict[str, Any] = {
    "examples": 40,
    "methods": ["vocabulary", "taskemb", "logme", "leep", "size+knn", "few-shot-5"],
}


@pytest.fixture(scope="module")
def chosen(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose study has two sources for one target, and numbers of methods."""
    folder = tmp_path_factory.mktemp("selection") / "interlude"
    project = copy_prepared(finished, folder, own_sources=True)
    write(project, selection=SELECTED)
    project.run(SCORES)
    return project


def write(project: Project, **changes: object) -> None:
    """Write a study of two sources and one target in the place of the tiny one."""
    study = yaml.safe_load((project.root / "tiny.yaml").read_text())
    tasks = {"intermediate": ["sarcasm", "commonsense-qa-dev"], "target": ["privacy-qa"]}
    told = {**study, "restarts": 1, "probing": [], **tasks, **changes}
    (project.root / "tiny.yaml").write_text(yaml.safe_dump(told))


def test_each_method_says_something_of_each_source_or_why_not(chosen: Project) -> None:
    scores = pd.read_parquet(chosen.root / SCORES)
    assert list(scores) == list(SELECTION_SCORES)
    values = scores.set_index(["method", "source"])["value"]
    sources = ["sarcasm", "commonsense-qa-dev"]
    assert all(
        np.isfinite(values[method, source]) for method in ("logme", "knn") for source in sources
    )
    assert np.isfinite(values["logme", "none"])
    assert sorted(values["taskemb"]) != pytest.approx([1 / 61] * 2)
    assert 0 < values["vocabulary", "sarcasm"] < 1
    steps = [values["few-shot-5", source] for source in (*sources, "none")]
    assert np.isfinite(steps).all()
    assert np.isfinite(values["leep", "sarcasm"])
    assert np.isnan(values["leep", "commonsense-qa-dev"])
    excluded = pd.read_csv(chosen.root / "results/tiny/selection_excluded.csv")
    told = dict(
        zip(
            zip(excluded["method"], excluded["source"], strict=True),
            excluded["reason"],
            strict=True,
        )
    )
    assert told.keys() == {("leep", "commonsense-qa-dev"), ("leep", "none")}
    assert "no classes" in told["leep", "commonsense-qa-dev"]


def test_a_method_more_extracts_nothing_again(chosen: Project) -> None:
    assert chosen.planned(SCORES) == {}
    write(chosen, selection=SELECTED | {"methods": [*SELECTED["methods"], "transrate"]})
    assert chosen.planned(SCORES) == {"score_sources": 1, "collect_selection": 1}
    write(chosen, selection=SELECTED)


def test_code_of_selection_trains_nothing_again(chosen: Project) -> None:
    modules = {
        "estimators/logme.py": {"score_sources": 1, "collect_selection": 1},
        "estimators/transrate.py": {},  # of no method of the study
        "labelled.py": {"extract_features": 9, "score_sources": 1, "collect_selection": 1},
    }
    for module, planned in modules.items():
        file = f"src/interlude/selection/{module}"
        with chosen.edited(
            file, "\n\n\ndef ", "\n\n\ndef unused() -> int:\n    return 1\n\n\ndef "
        ):
            assert chosen.planned(SCORES) == planned


def test_a_study_without_the_key_plans_what_it_did(chosen: Project, tmp_path: Path) -> None:
    write(chosen, selection=None)
    planned = chosen.planned("targets")
    assert not {"extract_features", "score_sources"} & planned.keys()
    write(chosen, selection=SELECTED)


def test_a_start_is_chosen_by_features_of_those_that_are_there(chosen: Project) -> None:
    write(chosen, recommend={"task": "finance-ner", "budget": "minutes", "examples": 40})
    before = chosen.trained_at()
    said = chosen.run("recommend")
    assert chosen.trained_at() == before
    starts = pd.read_csv(chosen.root / "results/tiny/recommendation.csv").set_index("start")
    assert {"sarcasm", "commonsense-qa-dev"} <= set(starts.index)
    assert np.isfinite(float(starts.loc["sarcasm", "logme"]))
    # Nearly all of 40 examples' words have the tag O: a method that needs two tags has no number.
    for method in ("linear", "knn"):
        assert method not in starts
        assert re.search(rf"{method} has no number of .*\bsarcasm\b", said)
    assert starts.loc["commonsense-qa-dev", "known_as"] == "CSenseQA"
    assert "not calibrated" in said
    write(chosen, selection=SELECTED)


def test_where_missing_trainings_are_not_repeated_their_sources_have_no_number(
    chosen: Project,
) -> None:
    training = chosen.trained(task="sarcasm", role="intermediate")
    for path in [chosen.root / training / "start", chosen.root / "results/features"]:
        for file in path.rglob("*"):
            if file.is_file():
                file.unlink()
    write(chosen, selection=SELECTED, missing_runs="report")
    chosen.run(SCORES)
    scores = pd.read_parquet(chosen.root / SCORES).set_index(["method", "source"])["value"]
    assert np.isnan(scores["logme", "sarcasm"])
    assert np.isfinite(scores["logme", "commonsense-qa-dev"])
    assert np.isfinite(scores["vocabulary", "sarcasm"])
    excluded = pd.read_csv(chosen.root / "results/tiny/selection_excluded.csv")
    assert excluded["reason"].str.contains("is gone").sum() == 4  # logme, leep, knn, taskemb
    assert np.isfinite(scores["few-shot-5", "sarcasm"])  # its record is there


def test_a_start_is_chosen_by_trainings_in_rounds_that_the_grid_has_as_well(
    finished: Project, tmp_path: Path
) -> None:
    project = copy_prepared(finished, tmp_path / "interlude")
    chosen_for = {"task": "privacy-qa", "budget": "hours"}
    write(project, restarts=2, target=[], recommend=chosen_for)
    said = project.run("recommend")
    assert "8 trainings of the 10 of the grid (80 %)" in said
    first = pd.read_csv(project.root / "results/tiny/rounds/1.csv")
    assert first["restarts"].tolist() == [2]  # one of two sources goes on
    table = pd.read_csv(project.root / "results/tiny/recommendation.csv")
    assert set(table["start"]) == {"sarcasm", "commonsense-qa-dev"}
    assert sorted(table["runs"]) == [1, 2]
    trained = project.trained_at()
    assert table["start"][0] in project.run("recommend")
    assert project.trained_at() == trained
    assert sum(project.trainings_planned("targets").values()) == 2
