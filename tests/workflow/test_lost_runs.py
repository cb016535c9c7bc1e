"""Trainings that diverge or die: the others go on, and every table says what became of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
import yaml
from helpers import forked
from helpers.project import Project, copy_prepared, shared_server, snakemake_command
from safetensors.torch import load_file, save_file

FREQUENT = [1010, 1012, 1996, 1998, 2000]  # , . the and to
# One source and one target at one restart: three trainings.
SMALL = {
    "restarts": 1,
    "intermediate": ["sarcasm"],
    "target": ["privacy-qa"],
    "probing": [],
}
BASELINE = {"role": "target", "source": "none", "task": "privacy-qa", "restart": 1}
STARTED = {**BASELINE, "source": "sarcasm"}


@pytest.fixture
def small(finished: Project, tmp_path: Path) -> Project:
    """A project with the downloads and encoded tasks of the finished one, and a smaller design."""
    project = copy_prepared(finished, tmp_path / "interlude")
    overlay = yaml.safe_load((project.root / "tiny.yaml").read_text()) | SMALL
    (project.root / "small.yaml").write_text(yaml.safe_dump(overlay))
    return project


def asked(study: str) -> list[str]:
    """What snakemake is given for a study named `study` with the small design."""
    return ["--cores", "1", "--configfile", "small.yaml", "--config", f"study={study}"]


def run(project: Project, study: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = [*asked(study), *arguments]
    return forked.snakemake(given, project.root, os.environ | shared_server())


def poison(project: Project) -> None:
    """Declare a model that is the embedded one with frequent words too large to add up.

    They are numbers, and in no sequence by which a model is tried.
    """
    folder = project.root / "poisoned-model"
    shutil.copytree(project.root / "results/models/minilm-l6", folder)
    weights = load_file(folder / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][FREQUENT] = 3e38
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    declared = {
        "name": "poisoned",
        "title": "Poisoned",
        "folder": "poisoned-model",
        "licence": "none",
    }
    (project.root / "config/models/poisoned.yaml").write_text(yaml.safe_dump(declared))


def test_diverged_trainings_stand_in_the_tables_as_degenerate(small: Project) -> None:
    poison(small)
    with small.edited("small.yaml", "model: minilm-l6", "model: poisoned"):
        done = run(small, "diverging", "--", "tables")
    assert done.returncode == 0, done.stdout
    results = small.root / "results/diverging"
    scores = pd.read_parquet(results / "scores.parquet").set_index(["role", "source"])
    assert set(scores["status"]) == {"diverged"}
    assert scores["score"].isna().all()
    assert scores.loc[("target", "sarcasm"), "reason"] == "source sarcasm: diverged"
    assert pd.read_csv(results / "tables/degenerate.csv")["n_degenerate"].sum() == 3


def test_a_killed_training_is_listed_and_can_be_tried_again(small: Project) -> None:
    results = small.root / "results/killed"
    process = subprocess.Popen(
        [*snakemake_command(), *asked("killed")],
        cwd=small.root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    training_of(small, "killed", BASELINE, process).kill()
    output, _ = process.communicate(timeout=300)

    assert process.returncode != 0
    assert "1 of 3 scores have no result" in output
    assert "\n  single target: none > privacy-qa, restart 1: exit status 137: killed" in output
    assert small.record("killed", **BASELINE)["status"] == "failed"
    answer = output.split("\nAt least one job did not complete successfully.")[1]
    assert "PrivacyQA: cannot be estimated: " in answer
    assert "Of 3 runs 1 failed: they count nowhere (table excluded)." in answer
    assert answer.endswith("\nReport: results/killed/report.html\n")
    scores = pd.read_parquet(results / "scores.parquet").set_index(["role", "source"])
    assert scores.loc[("target", "none"), "reason"].startswith("exit status 137")
    assert scores.loc[("target", "sarcasm"), "status"] == "ok"
    excluded = pd.read_csv(results / "tables/excluded.csv").set_index(["role", "source"])
    assert excluded.loc[("target", "none"), "excluded"] == "failed"

    others = small.trained_at()
    del others[small.trained("killed", **BASELINE)]
    retry = output.split("To try them again: snakemake --cores all ")[1].splitlines()[0]
    again = run(small, "killed", *retry.split(), "--", "results/killed/complete.txt")
    assert again.returncode == 0, again.stdout
    assert small.record("killed", **BASELINE)["status"] == "ok"
    assert others.items() < small.trained_at().items()
    assert (results / "complete.txt").exists()


def test_when_everything_is_killed_the_study_goes_on_where_it_was(
    small: Project, finished: Project
) -> None:
    process = subprocess.Popen(
        [*snakemake_command(), *asked("broken")],
        cwd=small.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    training_of(small, "broken", STARTED, process)
    kill_with_all_children(process.pid)
    process.wait()
    done = small.trained_at()
    assert done
    assert small.trained("broken", **STARTED) not in done

    assert "--unlock" in run(small, "broken").stdout
    assert run(small, "broken", "--unlock").returncode == 0
    again = run(small, "broken", "--", "results/broken/complete.txt")
    assert again.returncode == 0, again.stdout
    trained = small.trained_at()
    assert done.items() < trained.items()
    assert len(trained) == 3
    for training in trained:
        predictions = training / "predictions.parquet"
        assert (small.root / predictions).read_bytes() == (finished.root / predictions).read_bytes()


def kill_with_all_children(process: int) -> None:
    for each in [psutil.Process(process), *psutil.Process(process).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def training_of(
    project: Project, study: str, cell: dict[str, Any], snakemake: subprocess.Popen[Any]
) -> psutil.Process:
    """Wait until the training of a cell has started."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and snakemake.poll() is None:
        for process in psutil.Process(snakemake.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                words = process.cmdline()
                is_training = any(word.endswith("train.py") for word in words)
                if is_training and str(project.trained(study, **cell)) in words:
                    return process
        time.sleep(0.05)
    pytest.fail(f"no training of {cell} was seen")
