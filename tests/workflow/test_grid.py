"""A study of trials: a grid, a control that is made of its source, from the plan to the figures."""

from __future__ import annotations

import json

import pandas as pd
from helpers import tiny
from helpers.project import Project

DESIGN = {
    "restarts": 2,
    "retrain_intermediate": False,
    "grid": {"learning_rate": [1.0e-4, 2.0e-4]},
    "stability": {"equivalence": 5},
    "intermediate": ["sarcasm", "sarcasm-control"],
    "target": ["privacy-qa"],
    "probing": [],
    "degenerate": {"exclude": False},  # so little training leaves most runs at chance
}
CONTROL = {
    **{"name": "sarcasm-control", "title": "Sarcasm (control)", "description": "Labels of others."},
    **{"of": "sarcasm", "transform": "shuffled-labels"},
}


def test_trials_of_a_grid_are_trained_and_told(prepared: Project) -> None:
    tiny.write_yaml(prepared.root / "config/tasks/sarcasm-control.yaml", CONTROL)
    (prepared.root / "grid.json").write_text(json.dumps(DESIGN))
    overlay = ("--configfile", "tiny.yaml", "grid.json")
    assert prepared.trainings_planned(*overlay) == {"train_intermediate": 2, "train_target": 12}
    prepared.run(*overlay, "--", "tables", "figures")
    results = prepared.root / "results/tiny"
    scores = pd.read_parquet(results / "scores.parquet")
    targets = scores[scores["role"] == "target"]
    trials = targets.groupby("source")[["restart", "point"]].apply(
        lambda own: sorted(map(tuple, own.to_numpy().tolist()))
    )
    assert all(each == [(1, 1), (1, 2), (2, 1), (2, 2)] for each in trials)
    assert targets["training"].nunique() == 12
    assert targets.loc[targets["source"] != "none", "example_var"].notna().all()
    transfer = pd.read_csv(results / "tables/transfer.csv").set_index("source")
    for source in ("sarcasm", "sarcasm-control"):
        means = targets.groupby("source")["score"].mean() * 100
        assert abs(transfer.loc[source, "delta"] - (means[source] - means["none"])) < 1e-9
        assert (transfer.loc[source, ["n", "points", "df"]] == [4, 2, 2]).all()
    stability = pd.read_csv(results / "tables/stability.csv").set_index("source")
    assert (stability["trials"] == 4).all()
    assert len(pd.read_csv(results / "tables/equality.csv")) == 2
    assert "sorted_trials.svg" in {path.name for path in (results / "figures").iterdir()}
    rows = [
        pd.read_parquet(prepared.root / f"results/data/{task}/train.parquet")
        for task in ("sarcasm", "sarcasm-control")
    ]
    assert rows[0]["text"].equals(rows[1]["text"])
    assert sorted(rows[0]["label"]) == sorted(rows[1]["label"])
    assert not rows[0]["label"].equals(rows[1]["label"])
