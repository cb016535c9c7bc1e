"""How often trainings fail to learn, and what a user would get all the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint


def degenerate_shares(counts: pd.DataFrame, alpha: float) -> dict[str, np.ndarray]:
    """Return the share of degenerate runs with its interval, in columns of these names.

    counts: n_degenerate, n_failed, n_missing of n_planned. Of the runs that have an outcome: what
    ended with an error, or never ran, is neither a success nor a failure of the source. The
    interval is Clopper and Pearson's (1934), which covers at least 1 - alpha. Missing without runs.
    """
    bad = counts["n_degenerate"].to_numpy(dtype=float)
    lost = counts["n_failed"] + counts["n_missing"]
    of = (counts["n_planned"] - lost).to_numpy(dtype=float)
    known = np.where(of > 0, of, np.nan)
    with np.errstate(invalid="ignore"):
        low, high = proportion_confint(bad, known, alpha, method="beta")
    return {
        "degenerate_share": bad / known,
        "degenerate_low": np.where(np.isnan(known), np.nan, low),
        "degenerate_high": np.where(np.isnan(known), np.nan, high),
    }
