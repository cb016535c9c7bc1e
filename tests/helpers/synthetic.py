"""Runs made by a formula, for tests of tables and figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.options import Options
from interlude.analysis.results import joined, split

TITLES = {
    "sarcasm": "Sarcasm",
    "social-iqa": "SocialIQA",
    "privacy-qa": "PrivacyQA",
    "boolq": "BoolQ",
    "finance-ner": "FinanceNER",
    "disfl-qa": "DisflQA",
    "bigram-shift": "BShift",
    "sentence-length": "SentLen",
    "word-content": "WC",
}
FORMS = {
    "sarcasm": "single",
    "social-iqa": "choice",
    "privacy-qa": "pair",
    "boolq": "pair",
    "finance-ner": "tagging",
    "disfl-qa": "span",
}
INTERMEDIATE = ["sarcasm", "social-iqa", "privacy-qa"]
TARGET = ["boolq", "finance-ner", "disfl-qa"]
PROBING = ["bigram-shift", "sentence-length", "word-content"]
Tables = tuple[pd.DataFrame, pd.DataFrame]  # of scores and of trainings


def record(
    role: str,
    source: str,
    task: str,
    restart: int,
    score: float,
    examples: int | None = None,
    task_examples: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """All that the analysis reads of a cell and its training; both examples: of reduced sizes."""
    steps = [32, 64, 96]
    started = source != "none"
    return {
        "study": "synthetic",
        "arm": "stilts" if started or role == "intermediate" else "single",
        "role": role,
        "source": source,
        "examples": examples,
        "task": task,
        "task_examples": task_examples,
        "form": FORMS.get(task, "single"),
        "restart": restart,
        "training": training_id(role, source, task, restart, examples, task_examples),
        "start": training_id("intermediate", "none", source, restart, examples)
        if started
        else None,
        "status": "ok",
        "metric": "accuracy",
        "score": score,
        "majority_score": 0.3,
        "chance_score": 0.25,
        "constant": False,
        "train_examples": 512,
        "validation_examples": 300,
        "steps": 96,
        "tokens": 40_000,
        "evaluation_tokens": 20_000,
        "train_seconds": 20.0,
        "evaluation_seconds": 4.0,
        "total_seconds": 27.0,
        "device": "cpu",
        "precision": "bf16",
        "model": "minilm-l6",
        "seed": (2000 if role == "intermediate" else 1000) + restart,
        "hyperparameters": {"epochs": 2, "learning_rate": 1e-4},
        "curve": json.dumps(
            [{"step": s, "loss": 1.2 / (1 + s / 40), "score": score * s / 96} for s in steps]
        ),
        "schema_version": 1,
        **more,
    }


def training_id(
    role: str,
    source: str,
    task: str,
    restart: int,
    examples: int | None,
    task_examples: int | None = None,
) -> str:
    return f"{role}-{source}-{task}-{restart}-{examples}-{task_examples}"


def runs_of(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The runs of a study with these records."""
    return joined(*split(records))


def demo_records() -> list[dict[str, Any]]:
    """3 sources and `none` × (3 target + 3 probing tasks) × 3 restarts, and 9 intermediate runs."""
    noise = np.random.default_rng(0)
    effect = {"none": 0.0, "sarcasm": -0.03, "social-iqa": 0.04, "privacy-qa": 0.01}
    records = [
        record("intermediate", "none", task, restart, 0.7 + noise.normal(0, 0.01))
        for task in INTERMEDIATE
        for restart in (1, 2, 3)
    ]
    for role, tasks in (("target", TARGET), ("probing", PROBING)):
        for source, shift in effect.items():
            for number, task in enumerate(tasks):
                base = 0.55 + 0.08 * number
                records += [
                    record(role, source, task, restart, base + shift + noise.normal(0, 0.012))
                    for restart in (1, 2, 3)
                ]
    return records


def demo_tables() -> Tables:
    """Scores and trainings of the demo, with a constant, a diverged, a failed and a missing run."""
    records = demo_records()
    place = {(r["source"], r["task"], r["restart"]): r for r in records}
    place["sarcasm", "boolq", 2] |= {"constant": True, "score": 0.3}
    place["sarcasm", "finance-ner", 1] |= {
        "status": "diverged",
        "score": None,
        "reason": "loss nan",
    }
    place["social-iqa", "boolq", 3] |= {
        "status": "failed",
        "score": None,
        "reason": "out of memory",
    }
    place["privacy-qa", "word-content", 1] |= {"status": "missing", "score": None}
    return split(records)


def demo_runs() -> pd.DataFrame:
    return joined(*demo_tables())


def demo_options(**more: Any) -> Options:
    return Options(titles=TITLES, tasks=tuple(TITLES), **more)


def sized_runs() -> pd.DataFrame:
    """The demo, whole, with two of its sources trained on 64 and 128 of their 512 examples too."""
    noise = np.random.default_rng(2)
    records = demo_records()
    for source in ("sarcasm", "social-iqa"):
        for size in (64, 128):
            for restart in (1, 2, 3):
                own = record("intermediate", "none", source, restart, 0.6, size)
                records.append({**own, "train_examples": size})
                for role, tasks in (("target", TARGET), ("probing", PROBING)):
                    for task in tasks:
                        score = 0.6 + 0.02 * (size == 128) + noise.normal(0, 0.01)
                        records.append(record(role, source, task, restart, score, size))
    return runs_of(records)


def target_sized_runs() -> pd.DataFrame:
    """The demo, whole, with two of its tasks also trained on 64 and 128 of their 512 examples.

    The fewer examples a task has, the more social-iqa helps it.
    """
    noise = np.random.default_rng(3)
    records = demo_records()
    gains = {64: 0.09, 128: 0.06}
    for role, task in (("target", "disfl-qa"), ("target", "boolq"), ("probing", "word-content")):
        for size, gain in gains.items():
            for source in ("none", *INTERMEDIATE):
                shift = gain * (source == "social-iqa") - 0.02 * (source == "sarcasm")
                for restart in (1, 2, 3):
                    score = 0.4 + size / 1000 + shift + noise.normal(0, 0.01)
                    own = record(role, source, task, restart, score, task_examples=size)
                    records.append({**own, "train_examples": size})
    return runs_of(records)


LONG_SOURCE = "the one & only <i>source</i> with a name that does not end"


def awkward_runs() -> pd.DataFrame:
    return joined(*awkward_tables())


def awkward_tables() -> Tables:
    """One source, 60 tasks with long names, every cell negative, some of them missing.

    Among them: a task without a source run, without a baseline, without spread, with failed runs
    only, and with degenerate runs only.
    """
    noise = np.random.default_rng(1)
    names = [
        f"{'x' * (number % 30)} a rather long <b>name</b> &_$ no {number}" for number in range(60)
    ]
    records = [record("intermediate", "none", LONG_SOURCE, 1, 0.8)]
    for number, task in enumerate(names):
        role = "target" if number < 25 else "probing"
        without = {3: LONG_SOURCE, 30: LONG_SOURCE, 5: "none"}.get(number)
        for source in ("none", LONG_SOURCE):
            drop = 0.0 if source == "none" else noise.uniform(0.02, 0.3)
            spread = 0.0 if number == 7 else 0.004
            for restart in (1, 2, 3):
                score = 0.75 - drop + spread * noise.normal()
                if source != without:
                    records.append(record(role, source, task, restart, score))
    for made in records:
        if made["source"] != "none" and made["task"] == names[9]:
            made |= {"status": "failed", "score": None, "reason": "<script>alert(1)</script>"}
        if made["source"] != "none" and made["task"] == names[11]:
            made["score"] = 0.2
    return split(records)
