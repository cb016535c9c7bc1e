"""The interval for other restarts and other examples, beside Welch's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from helpers.synthetic import demo_options, demo_records, record, runs_of
from scipy import stats

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.example_noise import with_example_noise
from interlude.analysis.options import Options
from interlude.analysis.study_tables import study_tables
from interlude.analysis.transfer import transfer_table

CELL, BASELINE = [0.70, 0.72, 0.75], [0.66, 0.69, 0.66]


def against(variance: float | None) -> dict[str, float] | None:
    return None if variance is None else {"single": variance}


def table(cell: list[float], baseline: list[float], variance: float | None) -> pd.Series:
    runs = runs_of(
        [
            *(record("target", "none", "x", k, score) for k, score in enumerate(baseline, 1)),
            *(
                record("target", "a", "x", k, score, example_var=against(variance))
                for k, score in enumerate(cell, 1)
            ),
        ]
    )
    flagged = flag_degenerate(runs, Options().degenerate)
    transfer = transfer_table(flagged, Options(), filtered=False)
    (_, row), *rest = with_example_noise(transfer, flagged, Options()).iterrows()
    assert not rest
    return row


def test_the_interval_has_welchs_degrees_of_freedom_and_both_variances() -> None:
    row = table(CELL, BASELINE, 0.0004)
    test = stats.ttest_ind(CELL, BASELINE, equal_var=False)
    restarts = 100**2 * (np.var(CELL, ddof=1) + np.var(BASELINE, ddof=1)) / 3
    reach = stats.t.isf(0.025, test.df) * math.sqrt(restarts + 4)
    assert row["example_sd"] == pytest.approx(2)
    expected = [row["delta"] - reach, row["delta"] + reach]
    assert row[["ci_low_examples", "ci_high_examples"]].tolist() == pytest.approx(expected)
    assert row["noise"] == "examples"
    assert table(CELL, BASELINE, 0.00001)["noise"] == "restarts"


def test_without_example_noise_it_is_welchs() -> None:
    row = table(CELL, BASELINE, 0.0)
    both = row[["ci_low_examples", "ci_high_examples"]].tolist()
    assert both == pytest.approx(row[["ci_low", "ci_high"]].tolist())


@pytest.mark.parametrize(
    ("cell", "baseline", "variance"),
    [(CELL, BASELINE, None), (CELL[:1], BASELINE, 0.01), ([0.7] * 3, [0.6] * 3, 0.01)],
)
def test_what_is_not_known_is_marked(
    cell: list[float], baseline: list[float], variance: float | None
) -> None:
    row = table(cell, baseline, variance)
    assert row[["ci_low_examples", "ci_high_examples"]].isna().all()
    if variance is None or len(cell) < 2:
        assert row["noise"] == "not known"


def test_the_transfer_tables_have_it() -> None:
    records = [
        {**each, "example_var": against(0.0009)} if each["source"] == "sarcasm" else each
        for each in demo_records()
    ]
    tables = study_tables(runs_of(records), demo_options())
    for name in ("transfer", "transfer_unfiltered"):
        known = tables[name].set_index("source")["example_sd"]
        assert known["sarcasm"].to_numpy() == pytest.approx(3)
        assert known["privacy-qa"].isna().all()
