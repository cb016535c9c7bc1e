"""Do probing scores tell target scores? Rank correlations over the trained encoders."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import special, stats

from interlude.analysis.contrasts import holm
from interlude.analysis.degenerate import scored
from interlude.analysis.results import in_order
from interlude.words import NO_SOURCE

# Two points always lie on a line.
_FEWEST = 3


def score_matrix(runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    """Return scores by encoder and task: one row per (source, restart), baselines left out.

    runs: after `flag_degenerate`. filtered: degenerate runs become missing values.
    Columns are (role, task), target tasks first.
    """
    trained = runs[(runs["role"] != "intermediate") & (runs["source"] != NO_SOURCE)]
    counted = scored(trained, filtered)
    table = counted.pivot(index=["source", "restart"], columns=["role", "task"], values="score")
    columns = [
        (role, task)
        for role in ("target", "probing")
        for task in in_order(trained.loc[trained["role"] == role, "task"])
    ]
    encoders = list(dict.fromkeys(zip(counted["source"], counted["restart"], strict=True)))
    return table.reindex(
        index=pd.MultiIndex.from_tuples(encoders, names=["source", "restart"]),
        columns=pd.MultiIndex.from_tuples(columns, names=["role", "task"]),
    )


def correlation_pairs(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return every ordered pair of columns of a score matrix with its correlations.

    Columns: task_a, task_b, role_a, role_b, n (rows where both are known), spearman, p (of
    spearman), pearson. Below 3 rows, or where a column does not vary, correlations are missing.
    """
    known = matrix.notna().to_numpy(dtype=int)
    n = known.T @ known
    spearman = spearman_matrix(matrix)
    names = matrix.columns.to_frame(index=False)
    place = np.indices(n.shape).reshape(2, -1)
    a, b = (names.iloc[axis].reset_index(drop=True) for axis in place)
    return pd.DataFrame(
        {
            "task_a": a["task"],
            "task_b": b["task"],
            "role_a": a["role"],
            "role_b": b["role"],
            "n": n.ravel(),
            "spearman": spearman.ravel(),
            "p": spearman_p(spearman, n).ravel(),
            "pearson": matrix.corr(min_periods=_FEWEST).to_numpy().ravel(),
        }
    )


def target_block(pairs: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the pairs of a target task with any task, with Holm's correction over all of them.

    Adds p_holm and holm_significant. As in Pruksachatkun et al. 2020 (figure 3), a task's
    correlation with itself counts in the correction; it is never called significant.
    """
    block = pairs[pairs["role_a"] == "target"].reset_index(drop=True)
    p_holm = holm(block["p"])
    itself = (block["task_a"] == block["task_b"]) & (block["role_a"] == block["role_b"])
    return block.assign(p_holm=p_holm, holm_significant=(p_holm < alpha) & ~itself)


def spearman_matrix(matrix: pd.DataFrame) -> np.ndarray:
    """Return Spearman's rho of all pairs of columns, shape (columns, columns)."""
    return matrix.corr(method="spearman", min_periods=_FEWEST).to_numpy()


def spearman_p(rho: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return two-sided p values of rho over n rows.

    The t approximation, as in scipy.stats, but never below 2/n!: of all orders of n ranks only two
    are perfect, so a perfect correlation of three rows is no evidence.
    """
    freedom = np.where(n >= _FEWEST, n - 2, np.nan)
    # A perfect correlation divides by zero.
    with np.errstate(divide="ignore"):
        t = np.abs(rho) * np.sqrt(freedom / np.maximum(1 - rho**2, 0))
    return np.asarray(np.maximum(2 * stats.t.sf(t, freedom), 2 / special.factorial(n)))
