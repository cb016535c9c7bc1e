"""The published runs of Pruksachatkun et al. 2020 as tables like those of any other study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from interlude.analysis.results import split, to_trainings
from interlude.errors import InputError
from interlude.words import NO_SOURCE, ROLES

PREFIX = "pruksachatkun"
_SHARED = {"model": "roberta-large", "schema_version": 1}
_NEEDED = {
    "runs": ["run", "intermediate", "task", "kind", "score", "metrics_json"],
    "baseline_probing_runs": ["run", "task", "score"],
    "baseline_means": ["task", "kind", "baseline_x100"],
    "tasks": ["task", "num_examples", "train_size_task_metadata", "single_task_dev_mean"],
    "hparams": ["role", "task", "lr", "dropout", "batch_size"],
    "floors": ["task", "form", "metric", "majority_score", "chance_score"],
}
# (intermediate, target, probing) of each run: from run_phase1.sh of the study's code.
_SEEDS = {
    1: {"intermediate": 1111001, "target": 1111002, "probing": 1111003},
    2: {"intermediate": 523821, "target": 523822, "probing": 523823},
    3: {"intermediate": 921, "target": 922, "probing": 923},
}


@dataclass(frozen=True)
class Published:
    """The CSV files of one publication.

    tables: file name without prefix and ending -> table.
    of_task: (role, task) -> what every run of the task shares.
    """

    tables: dict[str, pd.DataFrame]
    of_task: dict[tuple[str, str], dict[str, Any]]


def load_published(folder: Path) -> Published:
    """Read the CSV files of the publication; InputError for a missing file or column."""
    tables = {name: _read(folder / f"{PREFIX}_{name}.csv") for name in _NEEDED}
    return Published(tables, _facts(tables))


def published_tables(published: Published, study: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and trainings: 1,155 transfer runs, 75 probing baselines, published means.

    Target baselines and intermediate scores were published as means only: they have the status
    `mean_only`, and one row of settings stands for the trainings behind each. The seeds of the
    baselines are not known, so nothing is paired with them; those of the intermediate trainings
    that the transfer runs started from are.
    """
    records = [*_intermediate(published), *_baselines(published), *_transferred(published)]
    scores, trainings = split({"study": study, **_SHARED, **record} for record in records)
    starts = to_trainings({**_SHARED, **start} for start in _starts(published))
    return scores, pd.concat([trainings, starts], ignore_index=True)


def _facts(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str], dict[str, Any]]:
    settings = tables["hparams"][tables["hparams"]["role"].isin(ROLES)]
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
        role, source, restart = run["kind"], run["intermediate"], run["run"]
        yield {
            **_run(published, "stilts", role, source, run["task"], restart),
            "start": _id("intermediate", NO_SOURCE, source, restart),
            "score": run["score"],
            "metrics": run["metrics_json"],
            "seed": _SEEDS[restart][role],
        }


def _baselines(published: Published) -> Iterator[dict[str, Any]]:
    means = published.tables["baseline_means"]
    for mean in _rows(means[means["kind"] == "target"]):
        score = mean["baseline_x100"] / 100
        yield _mean_only(published, "single", "target", mean["task"], score)
    for run in _rows(published.tables["baseline_probing_runs"]):
        row = _run(published, "single", "probing", NO_SOURCE, run["task"], run["run"])
        yield {**row, "score": run["score"]}


def _intermediate(published: Published) -> Iterator[dict[str, Any]]:
    sources = dict.fromkeys(published.tables["runs"]["intermediate"])
    scores = published.tables["tasks"].set_index("task")["single_task_dev_mean"]
    for task in sources:
        yield _mean_only(published, "stilts", "intermediate", task, scores[task])


def _starts(published: Published) -> Iterator[dict[str, Any]]:
    """Yield the intermediate trainings, of which no score of their own was published."""
    for source in dict.fromkeys(published.tables["runs"]["intermediate"]):
        for restart, seeds in _SEEDS.items():
            yield {
                "training": _id("intermediate", NO_SOURCE, source, restart),
                "seed": seeds["intermediate"],
                "hyperparameters": published.of_task["intermediate", source]["hyperparameters"],
            }


def _run(
    published: Published, arm: str, role: str, source: str, task: str, restart: int
) -> dict[str, Any]:
    """Return what all rows have: a run's key, training and status, and the facts of its task."""
    return {
        **published.of_task[role, task],
        "arm": arm,
        "role": role,
        "source": source,
        "task": task,
        "restart": restart,
        "training": _id(role, source, task, restart),
        "status": "ok",
    }


def _id(*parts: str | int) -> str:
    """Return the id of a training: any text does that no other one has."""
    return "/".join(map(str, parts))


def _mean_only(
    published: Published, arm: str, role: str, task: str, score: float
) -> dict[str, Any]:
    return {
        **_run(published, arm, role, NO_SOURCE, task, 1),
        "training": _id(role, NO_SOURCE, task, "mean"),
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
