"""What Snakemake starts for GPUs that trainings share: as many as their claims let through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.pretended import pretend_gpus
from helpers.project import Project, copy_project

# The workflow, and what is known of it once it is read: how many jobs may have a place on a GPU,
# and what trainings are told at the first and at the second attempt.
TOLD = """
include: "Snakefile"


def at(attempt, resource):
    context = dict(rulename="", async_run=workflow.async_run, input=[], threads=1)
    return resource.evaluate({}, attempt=attempt, **context).value


rules_that_train = [each for each in workflow.rules if each.name.startswith("train_")]
told = {
    "places": workflow.global_resources["gpu"].value,
    "asked": [at(1, each.resources["gpu"]) for each in rules_that_train],
    "options": {
        each.name: [at(attempt, each.resources["options"]) for attempt in (1, 2)]
        for each in rules_that_train
    },
}
Path("told.json").write_text(json.dumps(told))
"""
RECORD = {
    **{"status": "ok", "model": "minilm-l6", "device": "NVIDIA H100", "steps": 1},
    "peak_memory_bytes": 20 * 10**9,
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("shared-gpu") / "interlude")
    (project.root / "told.smk").write_text(TOLD)
    return project


def told(
    clone: Project, runs_per_gpu: int | str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Any:
    """Return what Snakemake knows on a machine with two GPUs."""
    monkeypatch.setenv("PATH", pretend_gpus(tmp_path, ["GPU-a", "GPU-b"]))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    config = yaml.safe_dump({"compute": {"runs_per_gpu": runs_per_gpu}})
    (clone.root / "more.yaml").write_text(config)
    read_only = ("--snakefile", "told.smk", "--list-rules", "--configfile", "tiny.yaml")
    done = clone.snakemake(*read_only, "more.yaml")
    assert done.returncode == 0, done.stdout
    return json.loads((clone.root / "told.json").read_text())


@pytest.mark.parametrize(("given", "places"), [(1, 2), (3, 6), ("auto", 16)])
def test_each_gpu_has_places_and_a_training_asks_for_one_and_is_alone_when_tried_again(
    given: int | str,
    places: int,
    clone: Project,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    found = told(clone, given, monkeypatch, tmp_path)
    assert found["places"] == places  # of auto, as long as none was measured: the claims wait
    assert set(found["asked"]) == {1}
    for name, (first, second) in found["options"].items():
        assert ("--keep-start" in first) == (name == "train_intermediate")
        if given == 1:
            assert first == second
            assert "--runs-per-gpu" not in first
        else:
            assert f"--runs-per-gpu={given}" in first
            assert second == first.replace(f"--runs-per-gpu={given}", "--runs-per-gpu=1")


def test_places_of_auto_are_as_many_as_what_was_measured_fits(
    clone: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = yaml.safe_load((clone.root / "tiny.yaml").read_text())["encoder"]["model"]
    record = clone.root / "results/trained/abc/record.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps(RECORD | {"model": model}))
    assert told(clone, "auto", monkeypatch, tmp_path)["places"] == 2 * 2
