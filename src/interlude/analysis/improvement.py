"""Starts over all tasks at once: interquartile means and probabilities of improvement.

After Agarwal et al. 2021, whose library is rliable: tasks are fixed, trials are resampled within
each (stratified bootstrap).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from interlude.analysis.bootstrap import Array, percentiles
from interlude.analysis.options import Options, Statistics
from interlude.analysis.results import in_order
from interlude.analysis.stability import interquartile_mean, resampled, trials_of
from interlude.words import NO_SOURCE

IQM_COLUMNS = ["arm", "role", "source", "tasks", "trials", "mean", "iqm", "ci_low", "ci_high"]
COLUMNS = [
    *("role", "arm", "source", "against", "against_source", "tasks"),
    *("probability", "ci_low", "ci_high"),
]
_Start = tuple[str, str]  # arm and source
_Scores = dict[str, Array]  # task -> scores of its trials


def iqm_table(runs: pd.DataFrame, options: Options, margin: float) -> pd.DataFrame:
    """Return the interquartile mean of each start over the trials of all tasks of a role.

    runs, margin: as of `stability.trials_of`. Scores are normalised: 0 is max(majority, chance),
    100 is perfect, since tasks must be comparable where their trials are pooled. mean: of
    the same scores. The interval is of the iqm.
    """
    levels = options.statistics
    rows = []
    for role, starts in _roles(trials_of(runs, margin), "normalised"):
        for (arm, source), tasks in starts.items():
            every = np.concatenate([*tasks.values()])
            drawn = [resampled(each, levels, at) for at, each in enumerate(tasks.values())]
            iqm = interquartile_mean(np.concatenate(drawn, axis=1))
            low, high = percentiles(iqm, levels.alpha)
            row = {"arm": arm, "role": role, "source": source, "tasks": len(tasks)}
            row |= {"trials": len(every), "mean": every.mean(), "ci_low": low, "ci_high": high}
            rows.append(row | {"iqm": float(interquartile_mean(every))})
    return pd.DataFrame(rows, columns=IQM_COLUMNS)


def improvement_table(runs: pd.DataFrame, options: Options, margin: float) -> pd.DataFrame:
    """Return how probably a trial of one start is better than one of another, for pairs of starts.

    runs, margin: as of `stability.trials_of`. Pairs: each source with the baseline of its
    contrasts, and with each later source of its arm. probability: of a trial of `source` being
    above one of `against_source` on the same task, an equal score counting half; mean over the
    tasks that both have.
    """
    rows = []
    for role, starts in _roles(trials_of(runs, margin), "score"):
        for own, other in pairs(list(starts), options):
            tasks = [task for task in starts[own] if task in starts[other]]
            sides = [(starts[own][task], starts[other][task]) for task in tasks]
            if not sides:
                continue
            probability, low, high = _probability(sides, options.statistics)
            row = {"role": role, "arm": own[0], "source": own[1], "tasks": len(tasks)}
            row |= {"against": other[0], "against_source": other[1]}
            rows.append(row | {"probability": probability, "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows, columns=COLUMNS)


def pairs(starts: list[_Start], options: Options) -> list[tuple[_Start, _Start]]:
    """Return which starts are compared: each with its baseline, and with others of its arm."""
    between: dict[tuple[_Start, _Start], None] = {}
    for contrast in options.contrasts:
        for arm, source in starts:
            same = (contrast.against, source)
            other = same if same in starts else (contrast.against, NO_SOURCE)
            if arm == contrast.arm and other in starts:
                between[(arm, source), other] = None
    within = ((a, b) for a, b in combinations(starts, 2) if a[0] == b[0])
    return [*between, *within]


def _roles(trials: pd.DataFrame, column: str) -> Iterator[tuple[str, dict[_Start, _Scores]]]:
    """Yield each role with the scores of its starts."""
    for role in in_order(trials["role"]):
        starts: dict[_Start, _Scores] = {}
        cells = trials[trials["role"] == role].groupby(["arm", "source", "task"], sort=False)
        for (arm, source, task), scores in cells[column]:
            starts.setdefault((str(arm), str(source)), {})[str(task)] = scores.to_numpy()
        yield role, starts


def _probability(
    sides: list[tuple[Array, Array]], levels: Statistics
) -> tuple[float, float, float]:
    """Return the probability of improvement over tasks, with its interval."""
    total, drawn = 0.0, np.zeros(levels.resamples)
    for at, (own, other) in enumerate(sides):
        above = (own[:, None] > other) + 0.5 * (own[:, None] == other)
        rng = np.random.default_rng([levels.seed, at])
        times = [
            rng.multinomial(n, np.full(n, 1 / n), size=levels.resamples) / n for n in above.shape
        ]
        total += above.mean()
        drawn += np.einsum("ri,ri->r", times[0] @ above, times[1])
    low, high = percentiles(drawn / len(sides), levels.alpha)
    return float(total / len(sides)), low, high
