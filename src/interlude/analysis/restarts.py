"""How many restarts a study like this one needs, from the spread of its own restarts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy import stats

from interlude.analysis.degenerate import scored
from interlude.analysis.options import Statistics
from interlude.analysis.power import smallest_effect
from interlude.analysis.results import FAMILY, POINTS, trial
from interlude.analysis.spread import task_variances

COUNTS = (3, 5, 10, 20)
DIFFERENCES = (1, 2)  # points
LONE = "one test"
AVERAGE = "average over tasks"
COLUMNS = [
    *("arm", "against", "task", "role", "level", "sd", *(f"found_{n}" for n in COUNTS)),
    *(f"needed_{points}" for points in DIFFERENCES),
    *("example_sd", "pays_to", "note"),
]
_NO_SPREAD = "cannot be estimated: restarts of no source differ"
_WHOLE = [*(f"needed_{points}" for points in DIFFERENCES), "pays_to"]
# From here on the normal approximation errs by .2 % of the difference.
_MANY = 30


@dataclass(frozen=True)
class _Spread:
    """Standard deviations in points: between restarts, and of a difference from the examples.

    names: of arm, against, role. family: how many differences of its kind are tested.
    """

    names: dict[str, str]
    task: str
    restarts: float
    examples: float
    family: int


def restart_table(
    runs: pd.DataFrame, transfer: pd.DataFrame, filtered: bool, levels: Statistics
) -> pd.DataFrame:
    """Return what restarts detect and how many are needed, a row per contrast, role, task, level.

    runs: after `flag_degenerate`. transfer: the transfer table of these, with
    the noise of examples; filtered: its variant.
    Task `average over tasks` is the mean of a source over the tasks of a role.

    level: of a lone test, or of the first in Holm's correction over the role's cells (for an
    average, over its sources). sd: between restarts, pooled over sources (and points of a grid, of
    one of which the numbers of restarts are). found_N: the difference
    that Welch's test of N against N restarts detects with the given power. needed_N: restarts on
    either side to detect N points. example_sd: of a difference, from other validation examples
    (median of the cells; of an average, as if tasks were independent). pays_to: restarts from which
    on their noise is less than that of the examples; missing where the latter is not known.
    """
    rows = [
        _row(spread, levels, tests)
        for spread in _spreads(runs, transfer, filtered)
        for tests in dict.fromkeys((1, spread.family))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype(dict.fromkeys(_WHOLE, "Int64"))


def needed(sd: float, difference: float, alpha: float, power: float) -> int:
    """Return how many restarts on either side Welch's test needs to detect a difference."""
    normal = float(stats.norm.isf(alpha / 2))
    many = 2 * ((normal + float(stats.norm.isf(1 - power))) * sd / difference) ** 2
    if many > _MANY:
        return math.ceil(many + normal**2 / 4)
    n = max(2, math.floor(many))
    while sd * smallest_effect(n, n, alpha, power) > difference:
        n += 1
    return n


def _row(spread: _Spread, levels: Statistics, tests: int) -> dict[str, Any]:
    level = LONE if tests == 1 else f"first of {tests} (Holm)"
    row: dict[str, Any] = {**spread.names, "task": spread.task, "level": level}
    row |= {"sd": spread.restarts, "example_sd": spread.examples}
    if not spread.restarts > 0:
        return {**row, "note": _NO_SPREAD}
    sd, alpha, power = spread.restarts, levels.alpha / tests, levels.power
    return {
        **row,
        **{f"found_{n}": sd * smallest_effect(n, n, alpha, power) for n in COUNTS},
        **{f"needed_{size}": needed(sd, size, alpha, power) for size in DIFFERENCES},
        **_beside_examples(spread),
    }


def _beside_examples(spread: _Spread) -> dict[str, Any]:
    """Return pays_to, and what it means for the restarts that are needed."""
    if not spread.examples > 0:
        return {"note": "" if spread.examples == 0 else "example noise not known"}
    pays_to = max(1, math.ceil(2 * (spread.restarts / spread.examples) ** 2))
    pointless = "one restart varies less than the examples do: more examples would help more"
    return {"pays_to": pays_to, "note": pointless if pays_to == 1 else ""}


def _spreads(runs: pd.DataFrame, transfer: pd.DataFrame, filtered: bool) -> Iterator[_Spread]:
    cells = transfer.assign(variance=task_variances(transfer))
    for family, own in cells.groupby(FAMILY, sort=False):
        names = dict(zip(FAMILY, map(str, family), strict=True))
        tasks = own.groupby("task", sort=False)[["variance", "example_sd"]].median()
        for task, of_task in tasks.iterrows():
            sd = math.sqrt(of_task["variance"])
            yield _Spread(names, str(task), sd, of_task["example_sd"], len(own))
        examples = math.sqrt((tasks["example_sd"] ** 2).sum(skipna=False)) / len(tasks)
        of_family = runs[(runs["arm"] == names["arm"]) & (runs["role"] == names["role"])]
        sd = _spread_of_averages(of_family, filtered)
        yield _Spread(names, AVERAGE, sd, examples, own["source"].nunique())


def _spread_of_averages(runs: pd.DataFrame, filtered: bool) -> float:
    """Return the standard deviation between restarts of a source's mean over tasks, in points.

    Of restarts that have a score on every task that was planned for their source, pooled over
    sources and, with a grid, its points; NaN where none has two.
    """
    tasks = runs.groupby("source", sort=False)["task"].unique()
    names = ["source", *trial(runs)]
    complete = [
        own.pivot(index=names, columns="task", values="score")
        .reindex(columns=tasks[source])
        .dropna()
        for source, own in scored(runs, filtered).groupby("source", sort=False)
    ]
    if not complete:
        return math.nan
    means = pd.concat([own.mean(axis="columns") for own in complete])
    by_source = means.groupby(level=names[:-1])
    squares = (by_source.var(ddof=1) * (by_source.size() - 1)).sum()
    degrees = (by_source.size() - 1).sum()
    return POINTS * math.sqrt(squares / degrees) if degrees else math.nan
