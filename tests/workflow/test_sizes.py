"""A study of several sizes of an intermediate and of a target task, from plan to curves."""

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
    "target_sizes": {"privacy-qa": [16]},
    "degenerate": {"exclude": False},  # so little training leaves most runs at chance
}


def test_sizes_are_trained_started_from_and_drawn(project: Project, prepared: Project) -> None:
    for each in (project, prepared):
        (each.root / "sizes.json").write_text(json.dumps(DESIGN))
    overlay = ("--configfile", "tiny.yaml", "sizes.json")
    planned = project.planned(*overlay)
    assert (planned["train_intermediate"], planned["train_target"]) == (6, 12)
    assert planned["encode_task"] == 2  # an encoding serves all sizes
    prepared.run(*overlay, "--", "tables", "figures")
    results = prepared.root / "results/tiny"
    scores = pd.read_parquet(results / "scores.parquet")
    own = scores[scores["role"] == "intermediate"]
    assert own["examples"].fillna(0).tolist() == [0, 0, 16, 16, 32, 32]
    assert own["train_examples"].tolist() == [64, 64, 16, 16, 32, 32]
    for cell in prepared.cells(source="sarcasm"):
        named = {"examples": cell.examples, "restart": cell.restart}
        source = prepared.trained(role="intermediate", **named)
        own = {"source": "sarcasm", "task_examples": cell.task_examples}
        assert prepared.record(**own, **named)["start"] == source.name
    cut = scores[scores["task_examples"].notna()]
    assert sorted(zip(cut["source"], cut["train_examples"], strict=True)) == [
        *[("none", 16)] * 2,
        *[("sarcasm", 16)] * 2,
    ]
    of_targets = pd.read_csv(results / "tables/target_sizes.csv")
    assert of_targets["train_examples"].tolist() == [16, 48]
    curves = pd.read_csv(results / "tables/size_curves.csv")
    assert curves[["source", "train_examples"]].to_numpy().tolist() == [
        *(["sarcasm", 16], ["sarcasm", 32], ["sarcasm", 64])
    ]
    transfer = pd.read_csv(results / "tables/transfer.csv")
    assert transfer["source"].tolist() == ["sarcasm"]
    for table in (curves, of_targets):
        assert table["delta"].iloc[-1] == pytest.approx(transfer["delta"].iloc[0])
    drawn = (results / "figures/size_curves.svg").read_text()
    assert "<!-- training examples of the intermediate task -->" in drawn
    assert re.search("<!-- Sarcasm†? -->", drawn)
    drawn = (results / "figures/target_sizes.svg").read_text()
    assert "<!-- PrivacyQA (target) -->" in drawn
