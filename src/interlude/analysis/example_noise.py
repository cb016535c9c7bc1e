"""How far a difference would vary with other validation examples, beside other restarts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from scipy import stats

from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, SCORED
from interlude.analysis.spread import degrees, runs_of_mean

RESTARTS, EXAMPLES, NOT_KNOWN = "restarts", "examples", "not known"
_EQUAL = 1e-7  # points; scores that differ by less are equal


def with_example_noise(
    transfer: pd.DataFrame, runs: pd.DataFrame, options: Options
) -> pd.DataFrame:
    """Return the transfer table with the noise of the validation examples, in points.

    runs: those that the table is made from. Adds

    example_sd: standard deviation of delta over resamples of the examples, all of the cell's runs
    counted; missing where their predictions or the baseline's are not known, or which examples
    belong together.
    ci_low_examples, ci_high_examples: delta ± t √(s²/n + s₀²/n₀ + example_sd²), with Welch's
    degrees of freedom: the interval for other restarts and other examples of the same task.
    noise: which of the two is the larger part of that variance, restarts or examples.
    """
    known = runs.groupby(SCORED)["example_var"].first().dropna()
    by_cell = {cell: json.loads(text) for cell, text in known.items()}
    of_cell = zip(*(transfer[name] for name in (*SCORED, "against")), strict=True)
    variances = [by_cell.get(tuple(cell), {}).get(against) for *cell, against in of_cell]
    example = POINTS**2 * pd.Series(variances, transfer.index, dtype=float)
    freedoms = [degrees(transfer, side) for side in ("", "baseline_")]
    sides = [
        transfer[f"{side}sd"] ** 2 / runs_of_mean(transfer, side).where(freedom > 0)
        for side, freedom in zip(("", "baseline_"), freedoms, strict=True)
    ]
    restarts = sides[0] + sides[1]
    squares = sides[0] ** 2 / freedoms[0] + sides[1] ** 2 / freedoms[1]
    freedom = (restarts**2 / squares).where(restarts > _EQUAL**2)
    reach = stats.t.isf(options.statistics.alpha / 2, freedom) * np.sqrt(restarts + example)
    larger = np.where(example > restarts, EXAMPLES, RESTARTS)
    return transfer.assign(
        example_sd=np.sqrt(example),
        ci_low_examples=transfer["delta"] - reach,
        ci_high_examples=transfer["delta"] + reach,
        noise=np.where((example + restarts).isna(), NOT_KNOWN, larger),
    )
