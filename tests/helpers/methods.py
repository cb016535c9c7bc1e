"""Runs of a study that reaches its tasks by full fine-tuning and by an adapter, by a formula."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from helpers.synthetic import record, runs_of
from interlude.analysis.options import Options, Statistics
from interlude.words import Contrast

SOURCES = ["mnli", "sst", "ccg", "qqp", "art", "boolq"]  # neither these nor the tasks are sorted
TASKS = {"target": ["rte", "copa", "mrpc", "cola", "wic"], "probing": ["words", "depth"]}
DIRECT = Contrast("stilts-lora", "stilts", methods=True)
METHOD_OPTIONS = Options(
    titles={name: name.upper() for name in (*SOURCES, *TASKS["target"], *TASKS["probing"])},
    contrasts=(
        Contrast("stilts", "single"),
        Contrast("single-lora", "single", sourced=False),
        Contrast("stilts-lora", "single-lora"),
        DIRECT,
    ),
    statistics=Statistics(alpha=0.1, resamples=400, seed=3),
)
_TASKS = [(role, task) for role, tasks in TASKS.items() for task in tasks]


def method_runs() -> pd.DataFrame:
    """Six sources and none, seven tasks, four restarts, by each of two methods.

    An adapter gains less of a source, by noise of its own; of one cell it has no run.
    """
    noise = np.random.default_rng(5)
    effect = {place: noise.normal(0, 0.03) for place in itertools.product(SOURCES, _TASKS)}
    records = []
    for (part, share), k in itertools.product({"": 1.0, "-lora": 0.7}.items(), (1, 2, 3, 4)):
        cost = {"trained_parameters": 500, "start_bytes": 900} if part else {}
        known = {"trained_parameters": 90_000, "start_bytes": 360_000, **cost}
        known["peak_memory_bytes"] = 1000 * k if part else 8000 * k
        arm = {"arm": f"stilts{part}", **known}
        records += [
            {**record("intermediate", "none", of, k, 0.7, **arm), "training": f"{of}{part} {k}"}
            for of in SOURCES
        ]
        known = {**known, "start_bytes": None}
        for role, task in _TASKS:
            alone = 0.5 + 0.05 * len(task) - (0.03 if part else 0)
            for source in ["none", *SOURCES]:
                gain = 0.0 if source == "none" else share * effect[source, (role, task)]
                score = alone + gain + noise.normal(0, 0.01)
                made = record(role, source, task, k, score, **known)
                made["arm"] = f"{'single' if source == 'none' else 'stilts'}{part}"
                made |= {"training": f"{made['training']}{part}", "tokens": 30_000 + 10 * k}
                records.append(made)
    for made in records:
        if made["source"] != "none":
            made["start"] = (
                f"{made['source']}{made['arm'].removeprefix('stilts')} {made['restart']}"
            )
    lost = {"arm": "stilts-lora", "source": "sst", "task": "copa"}
    return runs_of(made for made in records if any(made[key] != lost[key] for key in lost))
