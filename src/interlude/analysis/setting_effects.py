"""Which setting of a grid matters: the main effect of each, and how much of the spread it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from interlude.analysis.differences import holm
from interlude.analysis.results import SCORED
from interlude.analysis.stability import trials_of

COLUMNS = [
    *SCORED,
    *("setting", "value", "trials", "mean", "effect", "failed_share", "share", "p", "p_holm"),
]
RESTART = "restart"


def setting_effects(runs: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return one row per start, task, setting of the grid and value of it, in points.

    runs, margin: as of `stability.trials_of`. The restart, which stands for the seed, is a setting
    among the others. mean: of the trials with the value; effect: mean less the mean of the values'
    means. share: how much of the sum of squares of the start's trials the setting makes; p: of its
    F test beside the other settings, without interactions (analysis of variance, sums of squares of
    type II); p_holm: corrected over the settings, tasks and sources of an arm and role.
    """
    rows = [
        {**dict(zip(SCORED, key, strict=True)), **row}
        for key, own in trials_of(runs, margin).groupby(SCORED, sort=False)
        for row in _of_start(own)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    tests = table.drop_duplicates([*SCORED, "setting"])
    corrected = tests.groupby(["arm", "role"])["p"].transform(holm)
    adjusted = tests[[*SCORED, "setting"]].assign(p_holm=corrected)
    return table.drop(columns="p_holm").merge(adjusted, on=[*SCORED, "setting"], how="left")[
        COLUMNS
    ]


def _of_start(trials: pd.DataFrame) -> Iterator[dict[str, Any]]:
    settings = varied(trials)
    tests = _tests(trials["score"], settings)
    for name in map(str, settings):
        own = trials.groupby(settings[name], sort=True)
        means = own["score"].mean()
        for value, mean in means.items():
            at_value = trials[settings[name] == value]
            yield {
                **{"setting": name, "value": value, "trials": len(at_value), "mean": mean},
                "effect": mean - means.mean(),
                "failed_share": at_value["failed"].mean(),
                **tests[name],
            }


def varied(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the settings that differ between trials, a column each, and the restart."""
    rows = [json.loads(text) for text in trials["hyperparameters"]]
    settings = pd.DataFrame(rows, index=trials.index).assign(**{RESTART: trials[RESTART]})
    return settings.loc[:, settings.map(_hashable).nunique() > 1]


def _hashable(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _tests(scores: pd.Series[float], settings: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return setting -> its share of the sum of squares, and p of its F test; NaN for no spread."""
    total = float(((scores - scores.mean()) ** 2).sum())
    factors = {f"f{number}": str(name) for number, name in enumerate(settings)}
    unknown = {name: {"share": np.nan, "p": np.nan} for name in factors.values()}
    if not total > 0 or not factors:
        return unknown
    table = settings.astype("str").set_axis(list(factors), axis="columns").assign(score=scores)
    fitted = ols(f"score ~ {' + '.join(factors)}", table).fit()
    if fitted.df_resid < 1:
        return unknown
    variance = anova_lm(fitted, typ=2)
    return {
        name: {
            "share": variance.loc[factor, "sum_sq"] / total,
            "p": variance.loc[factor, "PR(>F)"],
        }
        for factor, name in factors.items()
    }
