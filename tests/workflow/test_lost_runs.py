"""Runs that diverge or die: the others go on, and every table says what became of them."""

from __future__ import annotations

import json
import math
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
from project import Project, snakemake_command
from safetensors.torch import load_file, save_file

# Two sources and one target at one restart: three runs.
SMALL = {
    "restarts": 1,
    "intermediate": ["sarcasm"],
    "target": ["privacy-qa"],
    "probing": [],
}


@pytest.fixture
def small(finished: Project) -> Project:
    """The finished project, whose downloads and encoded tasks another study can use."""
    overlay = yaml.safe_load((finished.root / "tiny.yaml").read_text()) | SMALL
    (finished.root / "small.yaml").write_text(yaml.safe_dump(overlay))
    return finished


def command(study: str, *arguments: str) -> list[str]:
    """The snakemake command of a study named `study` with the small design."""
    config = ["--configfile", "small.yaml", "--config", f"study={study}"]
    return [*snakemake_command(), "--cores", "1", *config, *arguments]


def run(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=project.root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def poison(project: Project) -> None:
    """Declare a model that is the embedded one with a weight that is not a number."""
    folder = project.root / "poisoned-model"
    shutil.copytree(project.root / "results/models/minilm-l6", folder)
    weights = load_file(folder / "model.safetensors")
    weights["encoder.layer.0.output.dense.weight"][0, 0] = math.nan
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    declared = {
        "name": "poisoned",
        "title": "Poisoned",
        "folder": "poisoned-model",
        "licence": "none",
    }
    (project.root / "config/models/poisoned.yaml").write_text(yaml.safe_dump(declared))


def test_diverged_runs_stand_in_the_tables_as_degenerate(small: Project) -> None:
    poison(small)
    with small.edited("small.yaml", "model: minilm-l6", "model: poisoned"):
        done = run(small, "diverging")
    assert done.returncode == 0, done.stdout
    results = small.root / "results/diverging"
    runs = pd.read_parquet(results / "runs.parquet").set_index(["kind", "source"])
    assert set(runs["status"]) == {"diverged"}
    assert runs["score"].isna().all()
    assert runs.loc[("target", "sarcasm"), "reason"] == "source sarcasm: diverged"
    assert pd.read_csv(results / "tables/degenerate.csv")["n_degenerate"].sum() == 3
    assert (results / "report.html").exists()


def test_a_killed_run_is_listed_and_can_be_tried_again(small: Project) -> None:
    results = small.root / "results/killed"
    record = results / "runs/target/none/privacy-qa/1.json"
    process = subprocess.Popen(
        command("killed"),
        cwd=small.root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    training_of(record.relative_to(small.root), process).kill()
    output, _ = process.communicate(timeout=300)

    assert process.returncode != 0
    assert "1 of 3 runs have no result" in output
    assert str(record.relative_to(small.root)) in output
    assert json.loads(record.read_text())["status"] == "failed"
    runs = pd.read_parquet(results / "runs.parquet").set_index(["kind", "source"])
    assert runs.loc[("target", "none"), "reason"].startswith("exit status 137")
    assert runs.loc[("target", "sarcasm"), "status"] == "ok"
    assert "failed" in (results / "tables/excluded.csv").read_text()

    retry = output.split("To try them again: snakemake --cores all ")[1].splitlines()[0]
    again = run(small, "killed", *retry.split())
    assert again.returncode == 0, again.stdout
    assert json.loads(record.read_text())["status"] == "ok"
    assert (results / "complete.txt").exists()


def test_when_everything_is_killed_the_study_goes_on_where_it_was(small: Project) -> None:
    assert run(small, "undisturbed").returncode == 0
    whole, broken = (small.root / f"results/{name}/runs" for name in ("undisturbed", "broken"))
    last = broken / "target/sarcasm/privacy-qa/1.json"
    process = subprocess.Popen(
        command("broken"), cwd=small.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    training_of(last.relative_to(small.root), process)
    kill_with_all_children(process.pid)
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in broken.rglob("*.json")}
    assert finished
    assert last not in finished

    assert "--unlock" in run(small, "broken").stdout
    assert run(small, "broken", "--unlock").returncode == 0
    again = run(small, "broken")
    assert again.returncode == 0, again.stdout
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    predictions = [path.relative_to(whole) for path in whole.rglob("*.parquet")]
    assert len(predictions) == 3
    for path in predictions:
        assert (broken / path).read_bytes() == (whole / path).read_bytes()


def kill_with_all_children(process: int) -> None:
    for each in [psutil.Process(process), *psutil.Process(process).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def training_of(record: Path, snakemake: subprocess.Popen[Any]) -> psutil.Process:
    """Wait until the run that will write this record has started."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and snakemake.poll() is None:
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if str(record) in words and any(word.endswith("train.py") for word in words):
                return process
        time.sleep(0.05)
    pytest.fail(f"no training of {record} was seen")
