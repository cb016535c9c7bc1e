"""The studies in examples/, run as their README says."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from helpers.project import Project


@pytest.mark.parametrize("study", ["own", "forms"])
def test_an_example_runs_to_its_scores(project: Project, study: str) -> None:
    """In one restart, to spare time."""
    config = f"examples/{study}.yaml"
    options = ("--cores", "2", "--configfile", config, "--config", "restarts=1")
    done = project.snakemake(*options, "--", f"results/{study}/scores.parquet")
    assert done.returncode == 0, done.stdout
    scores = pd.read_parquet(project.root / f"results/{study}/scores.parquet")
    assert set(scores["status"]) == {"ok"}
    written = yaml.safe_load((project.root / config).read_text())
    assert set(scores.loc[scores["role"] == "target", "task"]) == set(written["target"])
