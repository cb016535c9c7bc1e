"""The tiny study from download to report, and what reruns after which change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from project import Project, copy_project

RESULTS = Path("results/tiny")
BEFORE_THE_RUN_TABLE = ("download", "prepare", "normalise", "encode", "train", "collect")
OPTIMIZER = "src/interlude/training/optimizer.py"
ANALYSIS = {"collect_runs", "check_runs", "make_report"}
TRAINING = {"train_intermediate": 2, "train_target": 8, "train_probe": 8}
WITH_SOURCE = {"train_intermediate": 2, "train_target": 4, "train_probe": 4}  # no baselines
ONE_RUN_PER_FORM = (
    "intermediate/none/sarcasm/1",  # single
    "target/none/privacy-qa/1",  # pair
    "target/sarcasm/finance-ner/2",  # tagging
    "probing/none/commonsense-qa-dev/1",  # choice
    "probing/sarcasm/disfl-qa/2",  # span
)


def test_every_run_leaves_a_record_with_a_score_and_its_predictions(finished: Project) -> None:
    records = sorted((finished.root / RESULTS / "runs").rglob("*.json"))
    assert len(records) == 18
    for path in records:
        record = json.loads(path.read_text())
        predictions = pq.read_table(path.with_suffix(".parquet"))
        assert record["status"] == "ok"
        assert predictions.num_rows == record["validation_examples"]


def test_the_run_table_holds_every_run(finished: Project) -> None:
    runs = pd.read_parquet(finished.root / RESULTS / "runs.parquet")
    assert len(runs) == 18
    assert runs["score"].between(0, 1).all()
    assert len(pd.read_csv(finished.root / RESULTS / "runs.csv")) == 18


def test_the_recorded_score_is_that_of_the_predictions(finished: Project) -> None:
    path = finished.root / RESULTS / "runs/target/none/privacy-qa/1"
    predictions = pd.read_parquet(path.with_suffix(".parquet"))
    score = (predictions["prediction"] == predictions["gold"]).mean()
    assert json.loads(path.with_suffix(".json").read_text())["score"] == pytest.approx(score)


def test_a_run_on_an_intermediate_encoder_differs_from_its_baseline(finished: Project) -> None:
    losses = {
        source: json.loads(
            (finished.root / RESULTS / f"runs/target/{source}/privacy-qa/1.json").read_text()
        )["curve"][-1]["loss"]
        for source in ("none", "sarcasm")
    }
    assert losses["none"] != losses["sarcasm"]


def test_the_report_is_there_and_shows_the_heatmap(finished: Project) -> None:
    assert "heatmap" in (finished.root / RESULTS / "report.html").read_text()


def test_a_second_run_has_nothing_to_do(finished: Project) -> None:
    assert finished.planned() == {}


def test_touched_files_rerun_nothing(finished: Project) -> None:
    for folder in ("src", "workflow", "config", "envs", "profiles"):
        for path in (finished.root / folder).rglob("*"):
            path.touch()
    assert finished.planned() == {}


@pytest.mark.parametrize(
    ("old", "new", "rerun"),
    [
        ("probing: {epochs: 1", "probing: {epochs: 3", {"train_probe": 8}),
        ("train_examples: 48", "train_examples: 40", {"train_target": 8}),
        ("train_examples: 64", "train_examples: 60", WITH_SOURCE),
        ("seed: 1", "seed: 2", TRAINING),
    ],
)
def test_a_changed_number_reruns_the_runs_it_touches(
    finished: Project, old: str, new: str, rerun: dict[str, int]
) -> None:
    with finished.edited("tiny.yaml", old, new):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == rerun
    assert not {"normalise_task", "encode_task"} & planned.keys()


def test_an_override_for_one_task_reruns_only_that_task(finished: Project) -> None:
    with finished.edited("tiny.yaml", "learning_rate: 1.5e-4", "learning_rate: 1.0e-3"):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == {
        "train_target": 4
    }


def test_one_more_restart_adds_its_runs_only(finished: Project) -> None:
    with finished.edited("tiny.yaml", "restarts: 2", "restarts: 3"):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == {
        "train_intermediate": 1,
        "train_target": 4,
        "train_probe": 4,
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def evaluate(", "# a comment\ndef evaluate("),
        ("def evaluate(", "\n\ndef evaluate("),
        ('"""The training loop. ', '"""Another docstring. '),
    ],
    ids=["comment", "blank lines", "docstring"],
)
def test_comments_and_layout_of_training_code_rerun_nothing(
    finished: Project, old: str, new: str
) -> None:
    with finished.edited("src/interlude/training/loop.py", old, new):
        assert finished.planned() == {}


def test_changed_training_code_reruns_training_and_no_data(finished: Project) -> None:
    with finished.edited(OPTIMIZER, "weight.ndim > 1", "weight.ndim > 2"):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == TRAINING
    assert not {"download_archive", "prepare_model", "normalise_task", "encode_task"} & set(planned)


def test_changed_plotting_code_reruns_figures_only(finished: Project) -> None:
    with finished.edited(
        "src/interlude/figures/style.py",
        "import ",
        "import math\nimport ",
    ):
        planned = finished.planned()
    assert planned
    assert not {rule for rule in planned if rule.startswith(("train_", "collect", "make_table"))}


def test_encoders_and_data_may_be_deleted(finished: Project) -> None:
    hidden = finished.root / "hidden"
    hidden.mkdir()
    folders = [RESULTS / "encoders", *(Path("results") / name for name in ("data", "encoded"))]
    for folder in folders:
        shutil.move(finished.root / folder, hidden / folder.name)
    try:
        assert finished.planned() == {}
    finally:
        for folder in folders:
            shutil.move(hidden / folder.name, finished.root / folder)


def test_a_clone_with_only_the_run_table_plans_no_training(
    finished: Project, tmp_path: Path
) -> None:
    clone = copy_project(tmp_path / "clone")
    (clone.root / RESULTS).mkdir(parents=True)
    for name in ("runs.parquet", "runs.csv"):
        shutil.copy(finished.root / RESULTS / name, clone.root / RESULTS / name)
    planned = clone.planned("tables", "figures", "report")
    assert planned
    assert not [rule for rule in planned if rule.startswith(BEFORE_THE_RUN_TABLE)]


def test_the_same_run_again_gives_the_same_bytes(finished: Project) -> None:
    runs = finished.root / RESULTS / "runs"
    before = {run: _result(runs / run) for run in ONE_RUN_PER_FORM}
    records = [f"{RESULTS}/runs/{run}.json" for run in ONE_RUN_PER_FORM]
    shutil.rmtree(finished.root / "results/shared")  # else the intermediate run is taken from it
    finished.run("--forcerun", *records, "--", *records)
    assert {run: _result(runs / run) for run in ONE_RUN_PER_FORM} == before


def test_waiting_runs_are_looked_at_when_one_ends_and_not_every_second(finished: Project) -> None:
    records = [
        f"{RESULTS}/runs/target/none/{task}/1.json" for task in ("privacy-qa", "finance-ner")
    ]
    output = finished.run("--cores", "1", "--verbose", "--forcerun", *records, "--", *records)
    assert output.count("Ready jobs: ") == len(records)


def _result(run: Path) -> tuple[bytes, float]:
    record = json.loads(run.with_suffix(".json").read_text())
    return run.with_suffix(".parquet").read_bytes(), record["score"]


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("download", "normalise_task"),
        ("intermediate", "train_intermediate"),
        ("targets", "train_target"),
        ("probing", "train_probe"),
        ("tables", "make_tables"),
        ("report", "make_report"),
        ("all", "make_report"),
    ],
)
def test_every_named_target_plans_its_part(project: Project, target: str, rule: str) -> None:
    planned = project.planned(target)
    assert rule in planned
    assert ("train_target" in planned) == (target not in ("download", "intermediate", "probing"))
