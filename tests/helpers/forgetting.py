"""Runs and trainings of a study that measures what its encoders forget, made by a formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.synthetic import record
from interlude.analysis.options import Options, Statistics
from interlude.analysis.results import joined, split, to_trainings
from interlude.words import Contrast

TASKS = ("cola", "rte")
FORGETTING_OPTIONS = Options(
    titles={"mnli": "MNLI", "qnli": "QNLI", "cola": "CoLA", "rte": "RTE"},
    contrasts=tuple(
        Contrast(arm, "single", sourced=arm != "measured") for arm in ("stilts", "mlm", "measured")
    ),
    statistics=Statistics(resamples=20),
    forgetting=True,
)
LEFT = {"none": 0.6, "stilts mnli": 0.3, "stilts qnli": 0.45, "mlm mnli": 0.5, "mlm qnli": 0.55}


def forgetting_study() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two sources, two target tasks, two restarts; between both, a stage that measures.

    The arms `stilts` and `mlm`, and `measured`: the pretrained encoder, measured as well.
    """
    noise = np.random.default_rng(5)
    cells, between = [], []
    for k in (1, 2):
        for task in TASKS:
            cells.append(record("target", "none", task, k, noise.uniform(0.5, 0.6)))
        for name, left in LEFT.items():
            arm, _, source = name.partition(" ") if " " in name else ("measured", "", "none")
            between.append(_head(name, k, left + noise.normal(0, 0.02), source))
            for task in TASKS:
                made = record("target", source, task, k, noise.uniform(0.5, 0.7), arm=arm)
                id, start = f"{name} > {task} {k}", f"head of {name} {k}"
                cells.append({**made, "training": id, "start": start})
    scores, trainings = split(cells)
    trainings = pd.concat([trainings, to_trainings(between)], ignore_index=True)
    return joined(scores, trainings), trainings


def _head(name: str, restart: int, accuracy: float, source: str) -> dict[str, Any]:
    return {
        "training": f"head of {name} {restart}",
        "start": None if source == "none" else f"{name} {restart}",
        "masked_accuracy": accuracy,
        "hyperparameters": {"frozen": True},
    }
