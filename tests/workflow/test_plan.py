"""The plan of a study: to be read before anything is downloaded or trained."""

from __future__ import annotations

from helpers import tiny
from helpers.project import Project

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


def test_each_point_of_a_grid_is_planned(project: Project) -> None:
    tiny.write_yaml(project.root / "grid.yaml", GRID)
    project.run("plan", "--configfile", "tiny.yaml", "grid.yaml")
    assert len(project.cells()) == 2 + 8 * 2 * 2
