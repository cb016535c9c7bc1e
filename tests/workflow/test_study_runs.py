"""The tiny study from download to report, and what its config makes run again.

What a change of code or of data makes run again: see test_reruns.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
from helpers.project import Project, copy_project, figures_in, snakemake_command, tables_in

from interlude.jobs.machine import KEEP_FREED_MEMORY

RESULTS = Path("results/tiny")
BEFORE_THE_TABLES = ("download", "prepare", "normalise", "encode", "train", "collect")
TRAINING = {"train_intermediate": 2, "train_target": 8, "train_probe": 8}
WITH_SOURCE = {"train_intermediate": 2, "train_target": 4, "train_probe": 4}  # no baselines
ONE_CELL_PER_FORM = (
    {"role": "intermediate", "task": "sarcasm", "restart": 1},  # single
    {"role": "target", "source": "none", "task": "privacy-qa", "restart": 1},  # pair
    {"role": "target", "source": "sarcasm", "task": "finance-ner", "restart": 2},  # tagging
    {"role": "probing", "source": "none", "task": "commonsense-qa-dev", "restart": 1},  # choice
    {"role": "probing", "source": "sarcasm", "task": "disfl-qa", "restart": 2},  # span
)


def test_every_training_leaves_a_record_with_a_score_and_its_predictions(finished: Project) -> None:
    cells = finished.cells()
    assert len(cells) == 18
    assert {Path("results/trained", cell.training) for cell in cells} == set(finished.trained_at())
    for cell in cells:
        folder = Path("results/trained", cell.training)
        record = finished.record_in(folder)
        predictions = pq.read_table(finished.root / folder / "predictions.parquet")
        assert record["status"] == "ok"
        (part,) = record["parts"]
        assert (part["task"], predictions.num_rows) == (cell.task, part["validation_examples"])


def test_the_tables_hold_every_cell_and_every_training(finished: Project) -> None:
    scores = pd.read_parquet(finished.root / RESULTS / "scores.parquet")
    trainings = pd.read_parquet(finished.root / RESULTS / "trainings.parquet")
    assert scores["training"].tolist() == [cell.training for cell in finished.cells()]
    assert scores["score"].between(0, 1).all()
    assert sorted(trainings["training"]) == sorted(scores["training"])
    for name in ("scores", "trainings"):
        assert len(pd.read_csv(finished.root / RESULTS / f"{name}.csv")) == 18


def test_the_recorded_score_is_that_of_the_predictions(finished: Project) -> None:
    cell = {"role": "target", "source": "none", "task": "privacy-qa", "restart": 1}
    folder = finished.trained(**cell)
    predictions = pd.read_parquet(finished.root / folder / "predictions.parquet")
    score = (predictions["prediction"] == predictions["gold"]).mean()
    assert finished.record(**cell)["parts"][0]["score"] == pytest.approx(score)


def test_a_training_from_a_source_differs_from_its_baseline(finished: Project) -> None:
    cell = {"role": "target", "task": "privacy-qa", "restart": 1}
    losses = [
        finished.record(source=source, **cell)["parts"][0]["curve"][-1]["loss"]
        for source in ("none", "sarcasm")
    ]
    assert losses[0] != losses[1]


def test_the_report_holds_every_table_and_figure(finished: Project) -> None:
    results = finished.root / RESULTS
    drawn = {path.read_text() for path in (results / "figures").glob("*.svg")}
    assert figures_in(results / "report.html") == drawn
    written = {path.stem for path in (results / "tables").glob("*.csv")}
    assert tables_in(results / "report.html") == written
    assert len(drawn) + len(written) > 30


def test_jobs_are_told_to_keep_the_memory_that_they_free(project: Project) -> None:
    rule = 'rule environment:\n    output: "environment.txt"\n    shell: "env > {output}"\n'
    (project.root / "environment.smk").write_text(f'include: "Snakefile"\n\n\n{rule}')
    project.run("--snakefile", "environment.smk", "--", "environment.txt")
    told = (project.root / "environment.txt").read_text().splitlines()
    assert {f"{name}={value}" for name, value in KEEP_FREED_MEMORY.items()} <= set(told)


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
        ("learning_rate: 1.5e-4", "learning_rate: 1.0e-3", {"train_target": 4}),  # of one task
    ],
)
def test_a_changed_number_trains_what_it_touches(
    finished: Project, old: str, new: str, rerun: dict[str, int]
) -> None:
    with finished.edited("tiny.yaml", old, new):
        planned = finished.planned()
    assert {rule: n for rule, n in planned.items() if rule.startswith("train_")} == rerun
    assert not {"normalise_task", "encode_task"} & planned.keys()


def test_one_more_restart_adds_its_trainings_only(finished: Project) -> None:
    with finished.edited("tiny.yaml", "restarts: 2", "restarts: 3"):
        planned = finished.trainings_planned()
    assert planned == {"train_intermediate": 1, "train_target": 4, "train_probe": 4}


def test_what_a_training_asks_for_follows_from_its_model_its_tokens_and_where_it_runs(
    finished: Project,
) -> None:
    model = finished.root / "results/models/minilm-l6/model.safetensors"
    steps, length, mb = 100_000, 16 * 96, model.stat().st_size // 10**6
    minutes = (
        6 * steps * length * (mb / 4) * 10**6 / 10e9 / 60
    )  # on a core; a GPU: 1000 times as fast
    edit = ("tiny.yaml", "target: {epochs: 2", f"target: {{steps: {steps}")
    # Snakemake shows the needs of a job that has no message.
    message = ("workflow/rules/train.smk", 'message:\n        "{params.called}"', "")
    with finished.edited(*edit), finished.edited(*message):
        on_a_core = needs(finished)
        on_a_gpu = needs(finished, "--set-resources", "train_target:gpu=1")
    assert on_a_core["runtime"] == pytest.approx(20 + minutes, rel=0.1)
    assert on_a_gpu["runtime"] == pytest.approx(20 + minutes / 1000, rel=0.1)
    assert on_a_core["mem_mb"] == pytest.approx(1000 + 5 * mb, abs=5)
    assert on_a_gpu["mem_mb"] == pytest.approx(2500 + 3 * mb, abs=5)


def needs(project: Project, *arguments: str) -> dict[str, int]:
    """Return what the one training asks for that a dry run plans."""
    config = ("--config", "restarts=1", "intermediate=[]", "target=[privacy-qa]", "probing=[]")
    done = project.snakemake("-n", "targets", "--quiet", "host", *config, *arguments)
    found = re.search(r"^ +resources: (.*\bruntime=.*)$", done.stdout, re.M)
    assert found is not None, done.stdout
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)\b", found[1])}


def test_starts_and_data_may_be_deleted(finished: Project) -> None:
    hidden = finished.root / "hidden"
    starts = [
        path.relative_to(finished.root) for path in finished.root.glob("results/trained/*/start")
    ]
    assert len(starts) == 2
    folders = [*starts, *(Path("results") / name for name in ("data", "encoded"))]
    for folder in folders:
        (hidden / folder).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(finished.root / folder, hidden / folder)
    try:
        assert finished.planned() == {}
    finally:
        for folder in folders:
            shutil.move(hidden / folder, finished.root / folder)


def test_a_clone_with_only_the_tables_of_scores_and_trainings_plans_no_training(
    finished: Project, tmp_path: Path
) -> None:
    clone = copy_project(tmp_path / "clone")
    (clone.root / RESULTS).mkdir(parents=True)
    for name in ("scores.parquet", "scores.csv", "trainings.parquet", "trainings.csv"):
        shutil.copy(finished.root / RESULTS / name, clone.root / RESULTS / name)
    planned = clone.planned("tables", "figures", "report")
    assert planned
    assert not [rule for rule in planned if rule.startswith(BEFORE_THE_TABLES)]


def test_the_same_training_again_gives_the_same_bytes(finished: Project) -> None:
    folders = [finished.trained(**cell) for cell in ONE_CELL_PER_FORM]
    before = [_result(finished, folder) for folder in folders]
    records = [f"{folder}/record.json" for folder in folders]
    shared = finished.root / "results/shared"
    shared.rename(finished.root / "hidden-shared")  # else they are taken from it
    finished.run("--forcerun", *records, "--", *records)
    assert [_result(finished, folder) for folder in folders] == before
    shutil.rmtree(shared)
    (finished.root / "hidden-shared").rename(shared)


def test_snakemake_sleeps_while_trainings_run(finished: Project) -> None:
    # With its own limit of jobs per second it would look at all waiting jobs once a second.
    tasks = ("privacy-qa", "finance-ner")
    trainings = [finished.trained(source="none", task=task, restart=1) for task in tasks]
    records = [f"{training}/record.json" for training in trainings]
    forced = ["--configfile", "tiny.yaml", "--forcerun", *records, "--", *records]
    command = [*snakemake_command(), "--cores", "1", *forced]
    process = subprocess.Popen(
        command, cwd=finished.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    main = psutil.Process(process.pid)
    while not any("train.py" in " ".join(each.cmdline()) for each in main.children(recursive=True)):
        assert process.poll() is None
        time.sleep(0.05)
    workers = main.children(recursive=True)
    for each in workers:
        each.suspend()
    time.sleep(3)  # until it has nothing to do
    before = main.num_ctx_switches()
    time.sleep(4)
    after = main.num_ctx_switches()
    for each in workers:
        each.resume()
    assert process.wait(300) == 0
    assert after == before


def _result(project: Project, folder: Path) -> tuple[bytes, Any]:
    (part,) = project.record_in(folder)["parts"]
    return (project.root / folder / "predictions.parquet").read_bytes(), part


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("download", "normalise_task"),
        ("intermediate", "train_intermediate"),
        ("targets", "train_target"),
        ("probing", "train_probe"),
        ("tables", "make_tables"),
        ("report", "make_report"),
        ("answer", "write_answer"),
        ("all", "make_report"),
    ],
)
def test_every_named_target_plans_its_part(project: Project, target: str, rule: str) -> None:
    planned = project.planned(target)
    assert rule in planned
    assert ("train_target" in planned) == (target not in ("download", "intermediate", "probing"))


def test_results_of_an_older_release_are_refused_with_one_message(project: Project) -> None:
    old = project.root / "results/tiny/runs/target/none/privacy-qa/1.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    done = project.snakemake("--cores", "1")
    assert done.returncode != 0
    assert "\nresults/tiny/runs: found results of an older release" in done.stdout
    assert "Move results/tiny away, or give the study another name (key study)" in done.stdout
    assert "Traceback" not in done.stdout
    assert [path for path in (project.root / "results").rglob("*") if path.is_file()] == [old]
    assert project.planned("--config", "study=another")
