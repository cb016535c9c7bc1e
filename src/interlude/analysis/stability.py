"""How good a start gets at best, how good it is on the whole, and how often training fails from it.

A start is an arm with a source, or with none; its trials on a task are its runs there: each restart
at each point of a grid. All of them count, whatever the degenerate rule of the study says: as in
Chang and Lu 2021, nothing is filtered.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from interlude.analysis.bootstrap import Array
from interlude.analysis.degenerate import DegenerateRule, flag_degenerate, scored
from interlude.analysis.options import Options, Statistics
from interlude.analysis.results import POINTS, SCORED

COLUMNS = [
    *SCORED,
    *("trials", "planned", "maximum", "mean", "minimum", "sd", "population_sd", "median", "iqm"),
    *("failed", "failed_share", "failed_low", "failed_high"),
]
BEST_COLUMNS = [*SCORED, "trials", "expected_best", "ci_low", "ci_high"]
MEAN = "mean over tasks"
_START = ["arm", "role", "source"]
_QUARTER = 0.25  # is cut off at either end of an interquartile mean


def trials_of(runs: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return the runs of target and probing tasks that have an outcome, scores in points.

    runs: after `flag_degenerate`. A run that diverged counts at max(majority, chance). Adds

    failed: whether it diverged, or its score is not above max(majority, chance) by the margin, in
    units of the score; 0 is the rule of Mosbach et al. 2021, but for chance.
    normalised: the score, of which 0 is max(majority, chance) and 100 is perfect.
    """
    rule = DegenerateRule(margin=margin, constant=False)
    later = flag_degenerate(runs[runs["role"] != "intermediate"], rule)
    trials = scored(later, filtered=False)
    floor = trials[["majority_score", "chance_score"]].max(axis="columns")
    return trials.assign(
        score=POINTS * trials["score"],
        failed=trials["degenerate"],
        normalised=100 * (trials["score"] - floor) / (1 - floor),
    )


def interquartile_mean(scores: Array) -> Array:
    """Return the mean of the middle half of scores [..., n], as Agarwal et al. 2021 (rliable)."""
    mean: Array = stats.trim_mean(scores, _QUARTER, axis=-1)
    return mean


def stability_table(runs: pd.DataFrame, options: Options, margin: float) -> pd.DataFrame:
    """Return one row per start and task, scores in points.

    runs, margin: as of `trials_of`. trials: those with an outcome, of planned. sd: sample standard
    deviation; population_sd: divided by the number of trials, as Chang and Lu report it. iqm: mean
    of the middle half. failed: trials that did not learn, see `trials_of`; failed_share with the
    interval of Clopper and Pearson.
    """
    planned = runs.groupby(SCORED).size().to_dict()
    rows = [
        {
            **dict(zip(SCORED, key, strict=True)),
            "planned": planned[key],
            **_summary(own["score"]),
            **_failures(own["failed"], options.statistics.alpha),
        }
        for key, own in trials_of(runs, margin).groupby(SCORED, sort=False)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _summary(scores: pd.Series[float]) -> dict[str, Any]:
    return {
        "trials": len(scores),
        "maximum": scores.max(),
        "mean": scores.mean(),
        "minimum": scores.min(),
        "sd": scores.std(ddof=1),
        "population_sd": scores.std(ddof=0),
        "median": scores.median(),
        "iqm": float(interquartile_mean(scores.to_numpy())),
    }


def _failures(failed: pd.Series[bool], alpha: float) -> dict[str, Any]:
    low, high = proportion_confint(int(failed.sum()), len(failed), alpha, method="beta")
    return {
        "failed": int(failed.sum()),
        "failed_share": failed.mean(),
        "failed_low": low,
        "failed_high": high,
    }


def best_of(scores: Array) -> Array:
    """Return the expected best of 1, 2, ..., n trials, of the scores [..., n] of n trials.

    Σ x₍ᵢ₎ ((i/n)ᵏ − ((i−1)/n)ᵏ), the expectation under the empirical distribution (Dodge et al.
    2019, section 3.1).
    """
    n = scores.shape[-1]
    powers = (np.arange(n + 1)[:, None] / n) ** np.arange(1, n + 1)
    best: Array = np.sort(scores, axis=-1) @ np.diff(powers, axis=0)
    return best


def expected_best(runs: pd.DataFrame, options: Options, margin: float) -> pd.DataFrame:
    """Return the expected best score of each number of trials, in points, with its interval.

    A row per start, task and number of trials, and for each start the mean over the tasks of a
    role. runs, margin: as of `trials_of`. Intervals are percentiles over resamples of the trials
    of each task.
    """
    parts = []
    for start, own in trials_of(runs, margin).groupby(_START, sort=False):
        tasks = [
            (str(task), each.to_numpy()) for task, each in own.groupby("task", sort=False)["score"]
        ]
        curves = [
            (task, np.vstack([best_of(scores), best_of(resampled(scores, options.statistics, at))]))
            for at, (task, scores) in enumerate(tasks)
        ]
        shortest = min(curve.shape[1] for _, curve in curves)
        over = np.mean([curve[:, :shortest] for _, curve in curves], axis=0)
        parts += [_curve(start, task, curve, options) for task, curve in (*curves, (MEAN, over))]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=BEST_COLUMNS)
    return table[BEST_COLUMNS]


def _curve(start: Any, task: str, drawn: Array, options: Options) -> pd.DataFrame:
    """Return the rows of a curve; drawn: itself, and below it those of resamples."""
    alpha = options.statistics.alpha
    low, high = np.quantile(drawn[1:], [alpha / 2, 1 - alpha / 2], axis=0)
    return pd.DataFrame(
        {
            **dict(zip(_START, start, strict=True)),
            "task": task,
            "trials": np.arange(1, drawn.shape[1] + 1),
            "expected_best": drawn[0],
            "ci_low": low,
            "ci_high": high,
        }
    )


def resampled(scores: Array, levels: Statistics, task: int) -> Array:
    """Return bootstrap samples [resamples, n] of n scores; task: its number, for the seed."""
    rng = np.random.default_rng([levels.seed, task])
    samples: Array = scores[rng.integers(len(scores), size=(levels.resamples, len(scores)))]
    return samples
