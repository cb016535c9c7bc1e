"""Do the correlations hold without a few sources, and on means?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from interlude.analysis.correlations import (
    distinct_pairs,
    means_of_sources,
    sources_of,
    target_block,
    without_each,
)
from interlude.analysis.options import Options


def collapsed_sources(averages: pd.DataFrame, limit: float) -> list[str]:
    """Return the sources whose mean target transfer lies below the limit, in points."""
    targets = averages[averages["role"] == "target"]
    return targets.loc[targets["delta"] < limit, "source"].tolist()


def robustness_table(matrix: pd.DataFrame, collapsed: list[str], options: Options) -> pd.DataFrame:
    """Return the number of significant correlations in several subsets of the same scores.

    matrix: as from `correlations.score_matrix`. collapsed: sources to leave out together.
    Columns: look; encoders (rows that went in); significant, target_target, target_probing (cells
    by the rule of the paper); sources; significant_means, target_target_means,
    target_probing_means (distinct pairs by the sources' means, after Holm's correction), and these
    with `_uncorrected` in place of `_means`. See `correlations.target_block`.
    """
    return pd.DataFrame(
        [
            _significant_in(look, part, options.statistics.alpha)
            for look, part in _looks(matrix, collapsed, options.title)
        ]
    )


def _significant_in(look: str, matrix: pd.DataFrame, alpha: float) -> dict[str, Any]:
    block = target_block(matrix, alpha)
    distinct, _ = distinct_pairs(block)
    pairs = block.iloc[distinct].assign(uncorrected=lambda of: of["p_means"] < alpha)
    return {
        "look": look,
        "encoders": len(matrix),
        **_counted(block, "holm_significant"),
        "sources": len(sources_of(matrix)),
        **_counted(pairs, "holm_significant_means", "_means"),
        **_counted(pairs, "uncorrected", "_uncorrected"),
    }


def _looks(
    matrix: pd.DataFrame, collapsed: list[str], title: Callable[[str], str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all encoders", matrix
    if collapsed:
        names = ", ".join(map(title, collapsed))
        yield f"without collapsed: {names}", matrix.drop(collapsed, level="source", errors="ignore")
    yield "means of sources", means_of_sources(matrix)
    for source, part in without_each(matrix):
        yield f"without {title(source)}", part


def _counted(block: pd.DataFrame, rule: str, suffix: str = "") -> dict[str, int]:
    """Return how many rows of a block are significant by a rule, and of which roles."""
    significant = block[block[rule]]
    with_targets = int((significant["role_b"] == "target").sum())
    return {
        f"significant{suffix}": len(significant),
        f"target_target{suffix}": with_targets,
        f"target_probing{suffix}": len(significant) - with_targets,
    }
