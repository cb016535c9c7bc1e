"""A study that trains an intermediate task on several sizes, from its plan to the curves."""

from __future__ import annotations

import json

import pandas as pd
from helpers.project import Project

from interlude.analysis.options import Options
from interlude.figures.size_curves import draw_size_curves
from interlude.figures.style import save, style

DESIGN = {
    "restarts": 1,
    "target": ["privacy-qa"],
    "probing": [],
    "sizes": {"sarcasm": [16, 32]},
    "degenerate": {"exclude": False},  # so little training leaves most runs at chance
}


def test_sizes_are_trained_started_from_and_drawn(project: Project) -> None:
    (project.root / "sizes.json").write_text(json.dumps(DESIGN))
    overlay = ("--configfile", "tiny.yaml", "sizes.json")
    planned = project.planned(*overlay)
    assert (planned["train_intermediate"], planned["train_target"]) == (3, 4)
    assert planned["encode_task"] == 2  # an encoding serves all sizes
    project.run(*overlay, "--", "tables", "figures")
    results = project.root / "results/tiny"
    scores = pd.read_parquet(results / "scores.parquet")
    own = scores[scores["role"] == "intermediate"]
    assert own["examples"].fillna(0).tolist() == [0, 16, 32]
    assert own["train_examples"].tolist() == [64, 16, 32]
    for cell in project.cells(source="sarcasm"):
        source = project.trained(role="intermediate", examples=cell.examples)
        assert project.record(source="sarcasm", examples=cell.examples)["start"] == source.name
    curves = pd.read_csv(results / "tables/size_curves.csv")
    assert curves[["source", "train_examples"]].to_numpy().tolist() == [
        *(["sarcasm", 16], ["sarcasm", 32], ["sarcasm", 64])
    ]
    transfer = pd.read_csv(results / "tables/transfer.csv")
    assert transfer["source"].tolist() == ["sarcasm"]
    one_each = "one run against one run: no difference can be told"
    assert {*curves["note"], *transfer["note"].str.split("; ").str[0]} == {one_each}
    assert curves["delta"].isna().all()
    with style():
        figure = draw_size_curves(curves, Options(titles={"sarcasm": "Sarcasm"}))
        save(figure, project.root / "again.svg")
    drawn = (results / "figures/size_curves.svg").read_bytes()
    assert drawn == (project.root / "again.svg").read_bytes()
