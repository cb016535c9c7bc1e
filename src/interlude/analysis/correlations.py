"""Do probing scores predict target scores? Rank correlations over the trained encoders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special, stats

from interlude.analysis.degenerate import scored
from interlude.analysis.differences import holm
from interlude.analysis.results import in_order
from interlude.words import NO_SOURCE

# Two points always lie on a line.
FEWEST = 3
# Means of equal scores in another order differ in the last bits; ranks must see them as ties.
_DECIMALS = 9


def score_matrix(runs: pd.DataFrame, filtered: bool) -> pd.DataFrame:
    """Return scores by encoder and task: one row per (source, restart), baselines left out.

    runs: of one arm, after `flag_degenerate`. filtered: degenerate runs become missing values.
    Columns are (role, task), target tasks first. With a grid, a score is the mean over its points;
    missing where the run of any point is.
    """
    trained = runs[(runs["role"] != "intermediate") & (runs["source"] != NO_SOURCE)]
    counted = _over_points(scored(trained, filtered), trained["point"].nunique())
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


def _over_points(runs: pd.DataFrame, points: int) -> pd.DataFrame:
    """Return the mean score of each restart over all points of a grid; the runs, without one."""
    if not points:
        return runs
    restart = runs.groupby(["source", "role", "task", "restart"], sort=False, as_index=False)
    means = restart.agg(score=("score", "mean"), points=("score", "size"))
    return means[means["points"] == points]


def correlation_pairs(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return every ordered pair of columns of a score matrix with its correlations.

    Columns: task_a, task_b, role_a, role_b, n (rows where both are known), n_means (sources whose
    means are), spearman, p (of spearman), pearson. Below 3 rows, or where a column does not vary,
    correlations are missing.
    """
    known = matrix.notna()
    n = _in_common(known)
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
            "n_means": _in_common(known.groupby(level="source").any()).ravel(),
            "spearman": spearman.ravel(),
            "p": correlation_p(spearman, n).ravel(),
            "pearson": matrix.corr(min_periods=FEWEST).to_numpy().ravel(),
        }
    )


def target_block(matrix: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the pairs of a target task with any task, each with two rules of significance.

    Adds to the columns of `correlation_pairs`:

    p_holm, holm_significant: the rule of Pruksachatkun et al. 2020 (figure 3). Every restart counts
    as an independent encoder, and the correction is over all cells: a task's correlation with
    itself, never called significant, and each pair of target tasks twice.

    spearman_means, p_means, p_holm_means, holm_significant_means: of the sources' means,
    since restarts of one source are no independent encoders; corrected over the distinct pairs.
    """
    block = _of_targets(correlation_pairs(matrix))
    p_holm = holm(block["p"])
    block = block.assign(p_holm=p_holm, holm_significant=(p_holm < alpha) & ~_itself(block))
    means = _of_targets(correlation_pairs(means_of_sources(matrix)))
    distinct, same = distinct_pairs(block)
    corrected = holm(means["p"].iloc[distinct].reset_index(drop=True))
    block = block.assign(
        spearman_means=means["spearman"],
        p_means=means["p"].mask(_itself(block)),
        p_holm_means=corrected.reindex(same).to_numpy(),
    )
    return block.assign(holm_significant_means=block["p_holm_means"] < alpha)


def distinct_pairs(block: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the rows of a block where a pair occurs for the first time.

    A task with itself is no pair. Second: for each row, which of them is of the same pair, in their
    order; -1 for a task with itself.
    """
    tasks = zip(block["role_a"], block["task_a"], block["role_b"], block["task_b"], strict=True)
    pairs = [frozenset([(role_a, a), (role_b, b)]) for role_a, a, role_b, b in tasks]
    first = {pair: place for place, pair in reversed([*enumerate(pairs)]) if len(pair) == 2}
    number = {pair: at for at, pair in enumerate(sorted(first, key=first.__getitem__))}
    return np.array(sorted(first.values()), dtype=int), np.array(
        [number.get(pair, -1) for pair in pairs], dtype=int
    )


def means_of_sources(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return the score matrix with one row per source, the mean of its restarts."""
    return matrix.groupby(level="source", sort=False).mean().round(_DECIMALS)


def without_each(matrix: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield each source and the score matrix without it."""
    for source in sources_of(matrix):
        yield source, matrix.drop(source, level="source")


def sources_of(matrix: pd.DataFrame) -> list[str]:
    """Return the sources of a score matrix in their order."""
    return in_order(matrix.index.get_level_values("source"))


def spearman_matrix(matrix: pd.DataFrame) -> np.ndarray:
    """Return Spearman's rho of all pairs of columns, shape (columns, columns)."""
    return matrix.corr(method="spearman", min_periods=FEWEST).to_numpy()


def correlation_p(rho: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return two-sided p values of correlations of values, or of ranks, over n rows.

    The t approximation, as in scipy.stats, but never below 2/n!: of all orders of n ranks only two
    are perfect, so a perfect correlation of three rows is no evidence.
    """
    freedom = np.where(n >= FEWEST, n - 2, np.nan)
    # A perfect correlation divides by zero.
    with np.errstate(divide="ignore"):
        t = np.abs(rho) * np.sqrt(freedom / np.maximum(1 - rho**2, 0))
    return np.asarray(np.maximum(2 * stats.t.sf(t, freedom), 2 / special.factorial(n)))


def _in_common(known: pd.DataFrame) -> np.ndarray:
    """Return for all pairs of columns in how many rows both are known, shape (columns, columns)."""
    places = known.to_numpy(dtype=int)
    return np.asarray(places.T @ places)


def _of_targets(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["role_a"] == "target"].reset_index(drop=True)


def _itself(block: pd.DataFrame) -> pd.Series[bool]:
    return (block["task_a"] == block["task_b"]) & (block["role_a"] == block["role_b"])
