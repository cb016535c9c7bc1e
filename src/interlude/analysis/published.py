"""The published runs of Pruksachatkun et al. 2020 as a run table like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.runs import to_table
from interlude.errors import InputError
from interlude.plan.study import KINDS, NO_SOURCE

PREFIX = "pruksachatkun"
MODEL = "roberta-large"
_NEEDED = {
    "runs": ["run", "intermediate", "task", "kind", "score", "metrics_json"],
    "baseline_probing_runs": ["run", "task", "score"],
    "baseline_means": ["task", "kind", "baseline_x100"],
    "tasks": ["task", "num_examples", "train_size_task_metadata", "single_task_dev_mean"],
    "hparams": ["role", "task", "lr", "dropout", "batch_size"],
    "floors": ["task", "form", "metric", "majority_score", "chance_score"],
}
# (intermediate, target, probing) of each run: section 3.3 of the facts, from run_phase1.sh.
_SEEDS = {
    1: {"intermediate": 1111001, "target": 1111002, "probing": 1111003},
    2: {"intermediate": 523821, "target": 523822, "probing": 523823},
    3: {"intermediate": 921, "target": 922, "probing": 923},
}


@dataclass(frozen=True)
class Published:
    """The CSV files of one publication.

    tables: file name without prefix and ending -> table.
    facts: (kind, task) -> what every run of the task shares.
    """

    tables: dict[str, pd.DataFrame]
    facts: dict[tuple[str, str], dict[str, Any]]


def load_published(folder: Path) -> Published:
    """Read the CSV files of the publication; InputError for a missing file or column."""
    tables = {name: _read(folder / f"{PREFIX}_{name}.csv") for name in _NEEDED}
    return Published(tables, _facts(tables))


def published_runs(published: Published, study: str) -> pd.DataFrame:
    """Return the run table: 1,155 transfer runs, 75 probing baselines, and published means.

    Target baselines and intermediate scores were published as means only: they have the status
    `mean_only`. The seeds of the baselines are not known, so nothing is paired with them.
    """
    records = [*_intermediate(published), *_baselines(published), *_transferred(published)]
    shared = {"study": study, "model": MODEL, "schema_version": 1}
    return to_table({**shared, **record} for record in records)


def _facts(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str], dict[str, Any]]:
    settings = tables["hparams"][tables["hparams"]["role"].isin(KINDS)]
    tasks = tables["tasks"].set_index("task")
    sizes = tasks["train_size_task_metadata"].fillna(tasks["num_examples"]).rename("size")
    joined = settings.merge(tables["floors"], on="task").join(sizes, on="task")
    return {
        (row["role"], row["task"]): {
            "form": row["form"],
            "metric": row["metric"],
            "majority_score": row["majority_score"],
            "chance_score": row["chance_score"],
            "train_examples": row["size"],
            "hyperparameters": {
                "learning_rate": row["lr"],
                "dropout": row["dropout"],
                "batch_size": row["batch_size"],
            },
        }
        for row in _rows(joined)
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _transferred(published: Published) -> Iterator[dict[str, Any]]:
    for run in _rows(published.tables["runs"]):
        seeds = _SEEDS[run["run"]]
        yield {
            **published.facts[run["kind"], run["task"]],
            "kind": run["kind"],
            "source": run["intermediate"],
            "task": run["task"],
            "restart": run["run"],
            "status": "ok",
            "score": run["score"],
            "metrics": run["metrics_json"],
            "seed": seeds[run["kind"]],
            "source_seed": seeds["intermediate"],
        }


def _baselines(published: Published) -> Iterator[dict[str, Any]]:
    means = published.tables["baseline_means"]
    for mean in _rows(means[means["kind"] == "target"]):
        yield _mean_only(published, "target", mean["task"], mean["baseline_x100"] / 100)
    for run in _rows(published.tables["baseline_probing_runs"]):
        yield {
            **published.facts["probing", run["task"]],
            "kind": "probing",
            "source": NO_SOURCE,
            "task": run["task"],
            "restart": run["run"],
            "status": "ok",
            "score": run["score"],
        }


def _intermediate(published: Published) -> Iterator[dict[str, Any]]:
    sources = dict.fromkeys(published.tables["runs"]["intermediate"])
    scores = published.tables["tasks"].set_index("task")["single_task_dev_mean"]
    for task in sources:
        yield _mean_only(published, "intermediate", task, scores[task])


def _mean_only(published: Published, kind: str, task: str, score: float) -> dict[str, Any]:
    return {
        **published.facts[kind, task],
        "kind": kind,
        "source": NO_SOURCE,
        "task": task,
        "restart": 1,
        "status": "mean_only",
        "reason": "published as a mean over runs",
        "score": score,
    }


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    name = path.stem.removeprefix(f"{PREFIX}_")
    missing = [column for column in _NEEDED[name] if column not in table]
    if missing:
        raise InputError(
            f"{path}: column {missing[0]!r} is missing. Found: {', '.join(map(str, table))}."
        )
    return table
