"""A study too small for a correlation or a delta still prints its tables."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from interlude.analysis.options import Options
from interlude.analysis.tables import printed

PAIRS = pd.DataFrame(
    {
        "role_a": ["target", "target"],
        "task_a": ["rte", "rte"],
        "role_b": ["target", "probing"],
        "task_b": ["rte", "pos"],
        "spearman": [math.nan, math.nan],
        "holm_significant": [False, False],
        "holm_significant_means": [False, False],
    }
)
TRANSFER = pd.DataFrame(
    {
        **{"arm": "stilts", "against": "single", "baseline_source": "none"},
        "source": ["mnli", "mnli"],
        "role": ["target", "probing"],
        "task": ["rte", "pos"],
        "delta": [math.nan, math.nan],
        "baseline": [math.nan, math.nan],
        "p_holm": [math.nan, math.nan],
        **{name: [math.nan, math.nan] for name in ("ci_low", "ci_high")},
        **{name: [0, 0] for name in ("n", "baseline_n", "n_degenerate", "baseline_n_degenerate")},
    }
)


@pytest.mark.parametrize(
    ("name", "table", "column"), [("correlations", PAIRS, "rte"), ("transfer", TRANSFER, "mnli")]
)
def test_missing_numbers_are_missing_texts(name: str, table: pd.DataFrame, column: str) -> None:
    matrix = printed(name, table, Options())
    assert [task for task in matrix["task"] if task] == ["rte", "pos"]
    assert matrix.loc[matrix["task"] != "", column].isna().all()
