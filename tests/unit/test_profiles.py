"""The profiles agree with each other and with the rules, as Snakemake reads both."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from helpers.project import ROOT, Project, copy_project

ON_CLUSTERS = ("slurm", "cluster-generic")
EVERYWHERE = ("scheduler", "keep-going", "rerun-incomplete", "show-failed-logs", "quiet")
GENERATING = {"generate_task", "measure_artefacts"}
TRAININGS = {"train_intermediate", "train_target", "train_probe", "train_sweep"}
# The workflow, and what is known of the rules that a cluster would get once it is read: what their
# jobs ask for at the first and at the second attempt.
ASKED = """
include: "Snakefile"


def at(attempt, resource):
    context = dict(rulename="", async_run=workflow.async_run, input=[], threads=1)
    return resource.evaluate({}, attempt=attempt, **context).value


submitted = {
    each.name: {
        name: [at(attempt, each.resources[name]) for attempt in (1, 2)]
        for name in ("gpu", "mem_mb")
        if each.name in workflow.resource_settings.overwrite_resources
    }
    for each in workflow.rules
    if not (each.norun or each.name in workflow._localrules)
}
Path("asked.json").write_text(json.dumps(submitted))
"""
EVERY_RULE = {
    "of trainings": ("tiny.yaml", "more.yaml"),
    "of published scores": ("config/studies/published.yaml",),
    "of a generated task": ("tiny.yaml", "more.yaml", "generated.yaml"),
}
MORE = {"sweep": {"learning_rate": [1e-4, 1e-3]}, "compare": {"study": "other"}}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose workflow says of its rules what a cluster would be asked for."""
    project = copy_project(tmp_path_factory.mktemp("profiles") / "interlude")
    (project.root / "asked.smk").write_text(ASKED)
    (project.root / "more.yaml").write_text(yaml.safe_dump(MORE))
    (project.root / "generated.yaml").write_text("intermediate: [synthesis-gpt2]")
    transfer = project.root / "results/other/tables/transfer.csv"
    transfer.parent.mkdir(parents=True)
    transfer.touch()
    return project


def submitted(project: Project, *arguments: str) -> dict[str, dict[str, list[int]]]:
    """Return the rules that are not local, with what the command line or a profile gives them."""
    read_only = ("--snakefile", "asked.smk", "--list-rules")
    done = project.snakemake(*read_only, *arguments)
    assert done.returncode == 0, done.stdout
    rules: dict[str, dict[str, list[int]]] = json.loads((project.root / "asked.json").read_text())
    return rules


def profile(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    return loaded


def executor(key: str) -> bool:
    """Whether a key of a profile is for the plugin that submits jobs."""
    return key == "executor" or key.startswith(("slurm-", "cluster-generic-"))


@pytest.mark.parametrize("configs", EVERY_RULE.values(), ids=EVERY_RULE)
def test_only_training_and_generating_is_submitted(
    configs: tuple[str, ...], clone: Project
) -> None:
    generating = GENERATING if "generated.yaml" in configs else set()
    assert submitted(clone, "--configfile", *configs).keys() == TRAININGS | generating


@pytest.mark.parametrize("name", ON_CLUSTERS)
def test_each_training_asks_a_cluster_for_a_gpu_and_for_more_memory_when_tried_again(
    name: str, clone: Project
) -> None:
    # Without what the plugin of its executor reads, which is not installed with the project.
    of_snakemake = {key: value for key, value in profile(name).items() if not executor(key)}
    written = clone.root / f"profiles/asked-{name}/config.yaml"
    written.parent.mkdir()
    written.write_text(yaml.safe_dump(of_snakemake))
    asked = submitted(clone, "--workflow-profile", written.parent.name)
    assert asked == {rule: {"gpu": [1, 1], "mem_mb": [16_000, 32_000]} for rule in TRAININGS}
    assert profile(name)["set-resources"].keys() == TRAININGS | {"generate_task"}


@pytest.mark.parametrize("name", ON_CLUSTERS)
def test_the_profiles_of_a_cluster_limit_no_gpus_and_else_agree_with_the_default(name: str) -> None:
    assert "resources" not in profile(name)
    for key in EVERYWHERE:
        assert profile(name)[key] == profile("default")[key]
