"""The published study: without torch, without a download, and with the published numbers."""

from __future__ import annotations

import json
import os
import subprocess
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from helpers import forked
from helpers.project import ROOT, Project, copy_project, figures_in

from interlude.analysis.catalog import (
    FIGURES,
    OF_METHODS,
    OF_MIXING,
    OF_SELECTION,
    OF_SEVERAL,
    OF_TRIALS,
)

OVERLAY = "config/studies/published.yaml"
AVERAGES = {
    "CosmosQA": 2.6,
    "HellaSwag": 2.0,
    "CSenseQA": 1.9,
    "MNLI": 0.7,
    "SciTail": 0.2,
    "SST-2": -0.4,
    "QA-SRL": -1.3,
    "QAMR": -1.8,
    "QQP": -7.1,
    "SocialIQA": -7.9,
    "CCG": -9.9,
}
REVIEWS = """
name: reviews
title: Reviews
description: An own file.
form: single
source: {files: {all: reviews.csv}}
splits: {train: "all[:80%]", validation: "all[80%:]"}
columns: {text: text, label: label}
metric: accuracy
licence: own
citation: own
"""
NOWHERE = "http://127.0.0.1:9"


def snakemake(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the published study where nothing can be downloaded."""
    given = ["--cores", "1", "--configfile", OVERLAY, *arguments]
    closed = {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "HF_HUB_OFFLINE": "1"}
    return forked.snakemake(given, project.root, os.environ | closed)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the published study was run, and in which torch can not be imported."""
    project = copy_project(tmp_path_factory.mktemp("published") / "interlude", own_sources=True)
    (project.root / "src/torch.py").write_text("raise ImportError('torch was imported')\n")
    done = snakemake(project)
    assert done.returncode == 0, done.stdout
    return project


@pytest.fixture(scope="module")
def tables(published: Project) -> Path:
    return published.root / "results/published/tables"


def test_every_delta_is_the_published_one(tables: Path) -> None:
    transfer = pd.read_csv(tables / "transfer.csv")
    reference = pd.read_csv(ROOT / "reference/pruksachatkun_delta.csv")
    both = transfer.merge(
        reference[reference["kind"] != "average"],
        left_on=["source", "task"],
        right_on=["intermediate", "task"],
    )
    assert len(both) == len(transfer) == 385
    assert (both["delta"] - both["delta_points"]).abs().max() < 0.05
    assert (both["sd"] - both["sd_x100"]).abs().max() < 0.05


def test_average_target_deltas_are_the_published_ones(tables: Path) -> None:
    averages = pd.read_csv(tables / "averages.csv")
    targets = averages[averages["role"] == "target"]
    assert dict(zip(targets["source"], targets["delta"].round(1), strict=True)) == AVERAGES


def test_correlations_are_the_published_ones(tables: Path) -> None:
    block = pd.read_csv(tables / "correlations.csv")
    assert {"task_a", "task_b", "n", "spearman", "p", "pearson", "holm_significant"} <= set(block)
    assert block.groupby("role_b")["holm_significant"].sum().to_dict() == {
        "target": 44,
        "probing": 60,
    }
    reference = pd.read_csv(ROOT / "reference/pruksachatkun_correlations.csv")
    every = pd.read_csv(tables / "correlations_all.csv")
    both = every.merge(reference, on=["task_a", "task_b"], suffixes=("", "_published"))
    assert len(both) == len(every) == 35 * 35
    for name in ("spearman", "pearson"):
        assert (both[name] - both[f"{name}_published"]).abs().max() < 1e-4


def test_significance_rests_on_the_collapsed_sources(tables: Path) -> None:
    looks = pd.read_csv(tables / "robustness.csv").set_index("look")
    assert looks.loc["all encoders", "significant"] == 104
    collapsed = looks.loc["without collapsed: QQP, SocialIQA, CCG"]
    assert looks.loc["all encoders", ["sources", "significant_means"]].tolist() == [11, 19]
    told = ["encoders", "significant", "target_target", "target_probing"]
    assert collapsed[told].tolist() == [24, 6, 2, 4]
    assert looks.loc["means of sources", told].tolist() == [11, 23, 12, 11]


def test_what_can_not_be_tested_is_said(tables: Path) -> None:
    transfer = pd.read_csv(tables / "transfer.csv")
    targets = transfer[transfer["role"] == "target"]
    assert targets["p"].isna().all()
    assert set(targets["note"]) == {"baseline known as a mean only"}
    noise = targets["delta"].abs() < targets["detectable"]
    small = targets["delta"].abs() <= 1
    assert noise[small].mean() > 0.9


def test_both_filters_figures_and_the_report_are_there(tables: Path) -> None:
    study = tables.parent
    filtered = pd.read_csv(tables / "transfer_filtered.csv")
    assert filtered["n"].sum() + filtered["n_degenerate"].sum() == 1155
    # Not published, one size of each task.
    absent = {"curves", "size_curves", "target_sizes", "forgetting"}
    some = {*OF_MIXING, *OF_METHODS, *OF_SEVERAL, *OF_TRIALS, *OF_SELECTION}
    names = FIGURES.keys() - absent - some
    drawn = {*names, *(f"{name}_filtered" for name in names if FIGURES[name].twice)}
    contents = figures_in(study / "report.html")
    for name in drawn:
        assert (study / f"figures/{name}.svg").read_text() in contents
        assert (study / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF-")
    assert {path.stem for path in (study / "figures").iterdir()} == {*drawn, "answer"}


def test_the_answer_is_on_the_page_in_the_report_and_said_last(published: Project) -> None:
    results = published.root / "results/published"
    page = (results / "answer.md").read_text()
    sentences = pd.read_csv(results / "answer.csv")["sentence"]
    assert sentences[0] == (
        "10 targets: 2 with a source that may help, 8 with no source that is known to help."
    )
    report = unescape((results / "report.html").read_text())
    done = snakemake(published, "--", "answer")
    assert done.returncode == 0, done.stdout
    said, _, report_line = done.stdout.rstrip().rpartition("\n")
    assert report_line == "Report: results/published/report.html"
    for sentence in sentences:
        assert sentence in page
        assert sentence in said.split("Elapsed time")[1]
        assert sentence in report
    for warning in page.split("## Warnings\n\n")[1].split("\n\n")[0].splitlines():
        assert warning in said


def test_again_there_is_nothing_to_do(published: Project) -> None:
    again = snakemake(published, "--dry-run")
    assert "Nothing to be done" in again.stdout


def test_two_studies_are_compared(published: Project) -> None:
    overlay = published.root / "twin.yaml"
    overlay.write_text("study: twin\ncompare: {study: published, names: {}}\n")
    done = snakemake(published, "twin.yaml", "--", "compare")
    assert done.returncode == 0, done.stdout
    tables = published.root / "results/twin/tables"
    summary = pd.read_csv(tables / "comparison_summary.csv").set_index("role")
    assert summary.loc["target", ["cells", "same_sign", "spearman"]].tolist() == [110, 1.0, 1.0]
    assert (published.root / "results/twin/figures/comparison.svg").exists()


def test_there_is_nothing_to_plan(published: Project) -> None:
    done = snakemake(published, "--", "plan")
    assert "plan: the study trains nothing" in done.stdout


def test_a_broken_reference_file_is_named_and_nothing_is_written(published: Project) -> None:
    broken = published.edited("reference/pruksachatkun_runs.csv", "metrics_json", "metrics")
    with broken:
        done = snakemake(published, "--config", "study=broken", "--", "tables")
    assert done.returncode != 0
    assert "pruksachatkun_runs.csv: column 'metrics_json' is missing" in done.stdout
    assert not (published.root / "results/broken/scores.parquet").exists()
    assert not (published.root / "results/broken/trainings.parquet").exists()


def test_a_start_is_recommended_for_an_own_file_and_again(published: Project) -> None:
    rows = "".join(f"a text of {n} words,{'yes' if n % 3 else 'no'}\n" for n in range(60))
    (published.root / "reviews.csv").write_text(f"text,label\n{rows}")
    (published.root / "config/tasks/reviews.yaml").write_text(REVIEWS)
    overlay = published.root / "choose.yaml"
    overlay.write_text("study: choose\npublished: null\nrecommend: {task: reviews}\n")
    first, again = (snakemake(published, "choose.yaml", "--", "recommend") for _ in range(2))
    for done in (first, again):
        assert done.returncode == 0, done.stdout
        assert "reviews: Start from CosmosQA, because" in done.stdout
        assert "roberta-large" in done.stdout
        assert "form single, 48 training rows, 2 labels" in done.stdout
    told = json.loads((published.root / "results/choose/recommendation.json").read_text())
    starts = pd.read_csv(published.root / "results/choose/recommendation.csv")
    assert [start["start"] for start in told["starts"]] == starts["start"].tolist()
    assert told["sentence"] in (published.root / "results/choose/recommendation.html").read_text()
    assert not (published.root / "results/choose/scores.parquet").exists()
    forgotten = snakemake(published, "choose.yaml")
    assert forgotten.returncode != 0
    assert "found no task, so that there is nothing to train" in forgotten.stdout
    assert "snakemake recommend" in forgotten.stdout


def test_methods_of_selection_are_judged_without_training(published: Project) -> None:
    done = snakemake(published, "config/studies/selection-published.yaml", "--", "selection")
    assert done.returncode == 0, done.stdout
    study = published.root / "results/selection-published"
    table = pd.read_csv(study / "tables/selection.csv")
    assert table.columns[:9].tolist() == [
        *("truth", "method", "metric", "definition", "k", "value", "ci_low", "ci_high", "targets")
    ]
    shown = table[(table["definition"] == "best of top k") & (table["k"] == 3)]
    found = shown.set_index("method")["value"]
    assert found.loc[["static", "size", "random"]].tolist() == pytest.approx(
        [0.32, 2.42, 1.89], abs=0.02
    )
    drawn = {path.stem for path in (study / "figures").glob("*.svg")}
    assert drawn == FIGURES.keys() & {*OF_SELECTION}
