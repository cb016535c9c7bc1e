"""Two studies side by side, with cells that only one of them has."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from scipy import stats

from interlude.analysis.comparison import compared_cells, comparison_summary
from interlude.errors import InputError


def transfer(cells: dict[tuple[str, str], tuple[float, float]]) -> pd.DataFrame:
    rows = [
        {
            **{"arm": "stilts", "against": "single", "role": "target"},
            **{"source": source, "task": task, "delta": delta, "p_holm": p},
        }
        for (source, task), (delta, p) in cells.items()
    ]
    return pd.DataFrame(rows)


OWN = transfer(
    {
        ("a", "x"): (1.0, 0.01),
        ("a", "y"): (2.0, 0.20),
        ("b", "x"): (-1.0, 0.01),
        ("c", "x"): (0.5, 0.90),
        ("c", "y"): (math.nan, math.nan),
    }
)
OTHER = transfer(
    {
        ("A", "x"): (3.0, 0.01),
        ("A", "y"): (-2.0, 0.01),
        ("b", "x"): (-4.0, 0.02),
        ("c", "x"): (0.1, 0.50),
        ("c", "y"): (1.0, 0.50),
        ("d", "x"): (1.0, 0.50),
    }
)


def test_cells_are_matched_by_name_and_missing_ones_are_shown() -> None:
    cells = compared_cells(OWN, OTHER, {"a": "A"}, alpha=0.05).set_index(["source", "task"])
    assert cells["cell"].value_counts().to_dict() == {"both": 4, "other only": 2}
    assert cells.loc[("a", "y"), "difference"] == 4
    assert not cells.loc[("a", "y"), "same_sign"]
    assert cells.loc[("a", "x"), "significant"]
    assert cells.loc[("d", "x"), "same_sign"] is pd.NA


def test_target_tasks_stand_before_probing_tasks_as_in_all_tables() -> None:
    studies = [pd.concat([study.assign(role="probing"), study]) for study in (OWN, OTHER)]
    cells = compared_cells(*studies, {"a": "A"}, alpha=0.05)
    assert list(cells["role"].unique()) == ["target", "probing"]
    assert list(comparison_summary(cells)["role"]) == ["target", "probing"]


def test_agreement_by_hand() -> None:
    cells = compared_cells(OWN, OTHER, {"a": "A"}, alpha=0.05)
    summary = comparison_summary(cells).iloc[0]
    assert summary[["cells", "own_only", "other_only"]].tolist() == [4, 0, 2]
    assert summary["same_sign"] == 0.75
    assert summary[["significant", "same_sign_significant"]].tolist() == [2, 1.0]
    assert summary["mean_absolute_difference"] == pytest.approx((2 + 4 + 3 + 0.4) / 4)
    expected = stats.spearmanr([1.5, -1.0, 0.5], [0.5, -4.0, 0.1]).statistic
    assert summary["spearman"] == pytest.approx(expected)
    assert summary["p"] == pytest.approx(1 / 3)


def test_both_ways() -> None:
    there = compared_cells(OTHER, OWN, {"A": "a"}, alpha=0.05)
    assert there["cell"].value_counts().to_dict() == {"both": 4, "own only": 2}


def test_a_name_that_a_study_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="the other study: unknown task 'AA'"):
        compared_cells(OWN, OTHER, {"a": "AA"}, alpha=0.05)
    with pytest.raises(InputError, match="this study: unknown task 'aa'"):
        compared_cells(OWN, OTHER, {"aa": "A"}, alpha=0.05)


def test_studies_without_a_common_cell() -> None:
    summary = comparison_summary(compared_cells(OWN, OTHER.assign(task="z"), {}, 0.05)).iloc[0]
    assert summary["cells"] == 0
    assert math.isnan(summary["same_sign"])
    assert math.isnan(summary["spearman"])
