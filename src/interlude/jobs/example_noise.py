"""What the choice of validation examples adds to the noise of a difference from the baseline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from interlude.data.groups import read_groups
from interlude.jobs.record import read_predictions
from interlude.jobs.resampled import resampled_scores
from interlude.metrics import metric_names
from interlude.words import NO_SOURCE, ROLES

Row = dict[str, Any]

INTERMEDIATE = ROLES[0]
# What restarts of one cell have in common, at all points of a grid: its mean is over these.
_CELL = ("arm", "role", "source", "examples", "task", "task_examples")


@dataclass(frozen=True)
class Examples:
    """Where predictions and groups of the validation examples are.

    trained: folder with a folder for each training, where their predictions are. data: folder of
    normalised tasks, where their groups are. grouped: tasks that may have groups: where these are
    not known, neither is the noise of the examples. Other tasks have no groups.
    """

    trained: Path
    data: Path
    grouped: Collection[str] = ()

    def groups(self, task: str, revision: str | None, ids: list[str]) -> list[list[str]] | None:
        """Return the groups of each example of a task; None where they are not known."""
        known = read_groups(self.data / task, revision)
        if known is not None and known.keys() >= set(ids):
            return [known[id] for id in ids]
        return None if task in self.grouped else [[] for _ in ids]


def with_example_variance(
    scores: Iterable[Row], examples: Examples, contrasts: Iterable[tuple[str, str]]
) -> list[Row]:
    """Return rows of scores with `example_var` where the predictions of both sides are known.

    scores: as from `collect.collect`. contrasts: an arm and the one that it is compared with; its
    cells are compared with those of the same source where that arm has them.

    example_var: arm that a cell is compared with -> variance, over 1,000 joint resamples of the
    validation examples, of the mean of the cell's runs minus the mean of that arm's, in units of
    the score squared.
    """
    rows = list(scores)
    cells = _grouped([row for row in rows if row["role"] != INTERMEDIATE], _CELL)
    means = _Means(examples)
    pairs = list(contrasts)
    for runs in cells.values():
        for against in (other for arm, other in pairs if arm == runs[0]["arm"]):
            variance = _variance(means.of(runs), means.of(_baseline(runs[0], against, cells)))
            if variance is not None:
                for run in runs:
                    run["example_var"] = {**run.get("example_var", {}), against: variance}
    return rows


def _variance(one: np.ndarray | None, other: np.ndarray | None) -> float | None:
    return None if one is None or other is None else float(np.var(one - other, ddof=1))


class _Means:
    """Mean scores of cells on the resamples of their task; each training is read once.

    A cell has none where a run has no predictions, where it is not known which examples belong
    together, or where runs of its task were tested on other examples, so that resamples would not
    be joint.
    """

    def __init__(self, examples: Examples) -> None:
        self._known = examples
        self._scores: dict[tuple[str, str], np.ndarray | None] = {}
        self._examples: dict[tuple[str, str], list[str]] = {}

    def of(self, runs: list[Row]) -> np.ndarray | None:
        ended_well = [run for run in runs if run["status"] == "ok"]
        scores = [self._resampled(run) for run in ended_well]
        known = [each for each in scores if each is not None]
        return np.mean(known, axis=0) if known and len(known) == len(scores) else None

    def _resampled(self, run: Row) -> np.ndarray | None:
        key = run["training"], run["task"]
        if key not in self._scores:
            self._scores[key] = self._computed(run)
        return self._scores[key]

    def _computed(self, run: Row) -> np.ndarray | None:
        path = self._known.trained / run["training"] / "predictions.parquet"
        if not path.exists():
            return None
        of_run = read_predictions(path, run["task"])
        task = run["role"], run["task"]
        if not of_run.ids or self._examples.setdefault(task, of_run.ids) != of_run.ids:
            return None
        if run["metric"] not in metric_names():  # one of evaluate may not be here
            return None
        groups = self._known.groups(run["task"], run.get("data_revision"), of_run.ids)
        if groups is None:
            return None
        return resampled_scores(run["metric"], of_run.predictions, of_run.gold, groups)


def _baseline(row: Row, arm: str, cells: Mapping[tuple[Any, ...], list[Row]]) -> list[Row]:
    """Return the runs of another arm that a cell is compared with: of its source, or of none."""
    same = row | {"arm": arm}
    alone = same | {"source": NO_SOURCE, "examples": None}
    return cells.get(_key(same, _CELL)) or cells.get(_key(alone, _CELL), [])


def _grouped(rows: Iterable[Row], names: tuple[str, ...]) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(_key(row, names), []).append(row)
    return groups


def _key(row: Row, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)
