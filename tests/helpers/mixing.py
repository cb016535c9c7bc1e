"""Runs of a study that mixes as well as chains, made by a formula."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from helpers.synthetic import record, runs_of
from interlude.analysis.options import Options, Statistics
from interlude.words import Contrast

SIZES = {"mnli": 90_000, "qnli": 30_000, "cola": 3_000, "rte": 800}
DIRECT = Contrast("mtl", "stilts", sourced=True, mixing=True)
MIXING_OPTIONS = Options(
    titles={name: name.upper() for name in SIZES},
    contrasts=(
        Contrast("stilts", "single"),
        Contrast("mtl", "single"),
        Contrast("mtl-all", "single", sourced=False),
        DIRECT,
    ),
    statistics=Statistics(resamples=200),
)


def mixing_runs() -> pd.DataFrame:
    """Four tasks, each alone, after and together with each other one, and all; 4 restarts.

    Mixing gains over chaining by the logarithm of the ratio of sizes; and one pair breaks the rule.
    """
    noise = np.random.default_rng(7)
    records = []
    for number, (task, size) in enumerate(SIZES.items()):
        for k in (1, 2, 3, 4):
            score = 0.5 + 0.1 * number + noise.normal(0, 0.01)
            known = {"train_examples": size, "training": f"alone {task} {k}"}
            records += [
                record("intermediate", "none", task, k, score, **known),
                record("target", "none", task, k, score, **known),
                record("target", "none", task, k, score - 0.02, arm="mtl-all", train_examples=size),
            ]
            records[-1]["training"] = f"all {k}"
    for source, task in itertools.permutations(SIZES, 2):
        gain = 0.02 * np.log10(SIZES[source] / SIZES[task])
        gain = -gain if (source, task) == ("mnli", "rte") else gain
        for k, (arm, more) in itertools.product((1, 2, 3, 4), (("stilts", 0.0), ("mtl", gain))):
            base = 0.51 + 0.1 * list(SIZES).index(task)
            made = record("target", source, task, k, base + more + noise.normal(0, 0.01), arm=arm)
            pair = "+".join(sorted((source, task))) if arm == "mtl" else f"{source} > {task}"
            records.append({**made, "train_examples": SIZES[task], "training": f"{arm} {pair} {k}"})
    return runs_of(records)
