"""Runs of a study with a grid of settings, made by a formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.synthetic import TARGET, record, runs_of

POINTS = {1: (1e-5, 8), 2: (1e-5, 16), 3: (2e-5, 8), 4: (2e-5, 16)}
SOURCES = {"sarcasm": 0.02, "social-iqa": 0.03, "privacy-qa": 0.0}
EASE = {1: -0.02, 2: 0.0, 3: 0.05, 4: -0.06}  # what a point does to any score
RESTARTS = (1, 2)


def grid_records(once: bool = True, restarts: tuple[int, ...] = RESTARTS) -> list[dict[str, Any]]:
    """Three sources and `none` × three target tasks × four points × the restarts.

    once: the sources are trained once, in restart 1. One run diverged, of sarcasm at point 2 in the
    last restart.
    """
    noise = np.random.default_rng(21)
    records = [
        record("intermediate", "none", task, restart, 0.7)
        for task in SOURCES
        for restart in ((1,) if once else restarts)
    ]
    for source, gain in {"none": 0.0, **SOURCES}.items():
        for number, task in enumerate(TARGET):
            for restart in restarts:
                for point in POINTS:
                    score = 0.6 + 0.05 * number + gain + EASE[point] + noise.normal(0, 0.01)
                    start = f"intermediate-none-{source}-{1 if once else restart}-None"
                    records.append(
                        record("target", source, task, restart, score)
                        | {
                            "point": point,
                            "training": f"{source}-{task}-{restart}-{point}",
                            "start": None if source == "none" else start,
                            "hyperparameters": settings(point),
                        }
                    )
    lost = f"sarcasm-{TARGET[0]}-{restarts[-1]}-2"
    diverged = next(each for each in records if each["training"] == lost)
    diverged |= {"status": "diverged", "score": None, "reason": "loss nan"}
    return records


def settings(point: int) -> dict[str, Any]:
    rate, size = POINTS[point]
    return {"epochs": 2, "learning_rate": rate, "batch_size": size}


def grid_runs(once: bool = True, restarts: tuple[int, ...] = RESTARTS) -> pd.DataFrame:
    return runs_of(grid_records(once, restarts))
