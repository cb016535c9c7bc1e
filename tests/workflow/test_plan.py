"""The plan of a study: to be read before anything is downloaded or trained."""

from __future__ import annotations

from helpers import tiny
from helpers.project import Project

ALONE = [{"parts": ["task"]}]
MTL_ALL = {"arms": {"single": ALONE, "mtl-all": [{"parts": ["all"], "sampler": "dynamic"}]}}
GRID = {"grid": {"batch_size": [8, 16]}}


def test_a_fresh_clone_is_planned_without_data(project: Project) -> None:
    printed = project.run("plan")
    assert len(project.cells()) == 18
    assert "plan: results/tiny/plan.csv" in printed
    assert "Nothing was measured yet" in printed
    assert not (project.root / "results/data").exists()


def test_a_dry_run_prints_the_plan_and_writes_nothing(project: Project) -> None:
    done = project.snakemake("-n", "plan")
    assert done.returncode == 0, done.stdout
    assert not (project.root / "results").exists()
    project.run("plan")
    assert (project.root / "results/tiny/plan.csv").read_text() in done.stdout


def test_what_cannot_be_trained_yet_is_planned_and_refused_with_one_message(
    project: Project,
) -> None:
    for key, config, cells in (("arms.mtl-all", MTL_ALL, 8 + 4), ("grid", GRID, 2 + 8 * 2 * 2)):
        tiny.write_yaml(project.root / f"{key}.yaml", config)
        overlay = ("--configfile", "tiny.yaml", f"{key}.yaml")
        project.run("plan", *overlay)
        assert len(project.cells()) == cells
        done = project.snakemake("-n", *overlay)
        assert done.returncode != 0
        assert f"{key}.yaml: key {key}: found " in done.stdout
        assert "can be planned (snakemake plan) and not be trained yet. Allowed: " in done.stdout
        assert "Traceback" not in done.stdout
