"""A study that trains a target together with an intermediate task, from its plan to its tables."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from helpers.project import Project

MTL = {
    "restarts": 1,
    "target": ["privacy-qa", "finance-ner"],
    "probing": [],
    "arms": {"single": [{"parts": ["task"]}], "mtl": [{"parts": ["source", "task"]}]},
    "degenerate": {"exclude": False},  # so little training leaves most runs at chance
}


def test_tasks_are_trained_together_and_compared_with_each_alone(prepared: Project) -> None:
    (prepared.root / "mtl.json").write_text(json.dumps(MTL))
    overlay = ("--configfile", "tiny.yaml", "mtl.json")
    assert prepared.planned(*overlay)["train_target"] == 4
    said = prepared.run(*overlay, "--", "tables", "figures")
    assert "mtl target: sarcasm > privacy-qa, restart 1: step" in said
    results = prepared.root / "results/tiny"
    scores = pd.read_parquet(results / "scores.parquet")
    assert scores[["arm", "source", "task", "status"]].to_numpy().tolist() == [
        ["single", "none", "privacy-qa", "ok"],
        ["single", "none", "finance-ner", "ok"],
        ["mtl", "sarcasm", "privacy-qa", "ok"],
        ["mtl", "sarcasm", "finance-ner", "ok"],
    ]
    together = prepared.record(arm="mtl", task="privacy-qa")
    assert [part["task"] for part in together["parts"]] == ["privacy-qa", "sarcasm"]
    alone = {row.task: row.score for row in scores[scores["arm"] == "single"].itertuples()}
    mixed = {row.task: row.score for row in scores[scores["arm"] == "mtl"].itertuples()}
    transfer = pd.read_csv(results / "tables/transfer.csv")
    gained = {task: 100 * (mixed[task] - alone[task]) for task in mixed}
    found = transfer["mean"] - transfer["baseline"]
    assert dict(zip(transfer["task"], found, strict=True)) == pytest.approx(gained)
    assert transfer["delta"].isna().all()  # one run against one run is no difference
    assert "Nothing to be done" in prepared.run(*overlay, "--", "tables", "figures")
