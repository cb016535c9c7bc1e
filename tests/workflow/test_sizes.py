"""A study that trains an intermediate task on several sizes, from its plan to the curves."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from helpers.project import Project

DESIGN = {
    "restarts": 2,
    "target": ["privacy-qa"],
    "probing": [],
    "sizes": {"sarcasm": [16, 32]},
    "degenerate": {"exclude": False},  # so little training leaves most runs at chance
}


def test_sizes_are_trained_started_from_and_drawn(project: Project) -> None:
    (project.root / "sizes.json").write_text(json.dumps(DESIGN))
    overlay = ("--configfile", "tiny.yaml", "sizes.json")
    planned = project.planned(*overlay)
    assert (planned["train_intermediate"], planned["train_target"]) == (6, 8)
    assert planned["encode_task"] == 2  # an encoding serves all sizes
    project.run(*overlay, "--", "tables", "figures")
    results = project.root / "results/tiny"
    scores = pd.read_parquet(results / "scores.parquet")
    own = scores[scores["role"] == "intermediate"]
    assert own["examples"].fillna(0).tolist() == [0, 0, 16, 16, 32, 32]
    assert own["train_examples"].tolist() == [64, 64, 16, 16, 32, 32]
    for cell in project.cells(source="sarcasm"):
        named = {"examples": cell.examples, "restart": cell.restart}
        source = project.trained(role="intermediate", **named)
        assert project.record(source="sarcasm", **named)["start"] == source.name
    curves = pd.read_csv(results / "tables/size_curves.csv")
    assert curves[["source", "train_examples"]].to_numpy().tolist() == [
        *(["sarcasm", 16], ["sarcasm", 32], ["sarcasm", 64])
    ]
    transfer = pd.read_csv(results / "tables/transfer.csv")
    assert transfer["source"].tolist() == ["sarcasm"]
    assert curves["delta"].iloc[-1] == pytest.approx(transfer["delta"].iloc[0])
    drawn = (results / "figures/size_curves.svg").read_text()
    assert "<!-- training examples of the intermediate task -->" in drawn
    assert re.search("<!-- Sarcasm†? -->", drawn)
