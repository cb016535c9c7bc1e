"""What a recommendation is worth: the table of the page is the one that the command makes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from helpers.project import ROOT

from interlude.analysis import levels, value
from interlude.analysis.evidence import hub_spread, hub_truth, load_evidence
from interlude.analysis.truth import Truth
from interlude.analysis.value_of_study import value_of_study

PAGE = ROOT / "docs/choose-a-start.md"


@pytest.fixture(scope="module")
def truth() -> Truth:
    return value.published_truth(ROOT / "reference")


def test_rounds_on_the_published_matrix_come_to_what_the_page_says(truth: Truth) -> None:
    rows = [*value._of_hours(value.PRUKSACHATKUN, truth, truth, first=4)]
    page = PAGE.read_text(encoding="utf8")
    for row in rows:
        line = f"| {row['level']} | {row['share']:.0f} | {row['regret_1']:.2f} |"
        assert line in page
    seconds = levels.row_of("", "seconds", truth, value._static_outcomes(truth))
    assert seconds["regret_1"] == pytest.approx(0.76, abs=0.01)
    # The goals of docs/choose-a-start.md.
    assert rows[1]["share"] <= 25
    assert rows[1]["regret_1"] <= seconds["regret_1"]


def test_the_grid_of_the_small_study_comes_to_what_the_page_says() -> None:
    rows = value_of_study(ROOT / "docs/demo/selection-demo", load_evidence(ROOT / "reference"))
    table = pd.DataFrame([*rows], columns=value.COLUMNS)
    made = value.as_markdown(table).splitlines()
    assert len(made) == 2 + 4  # a head, and the levels
    assert set(made) <= set(PAGE.read_text(encoding="utf8").splitlines())


def test_rounds_of_four_sources_are_those_done_by_hand(truth: Truth) -> None:
    """On one target: four, then two, then one, with the scores of the restarts in each order."""
    target, names = "RTE", ["CosmosQA", "MNLI", "HellaSwag", "CCG"]
    own = truth.runs[truth.runs["target"] == target]
    wide = own[own["source"] != "none"].pivot(index="source", columns="restart", values="score")
    for order in permutations(wide.columns):
        first = wide.loc[names, order[0]].sort_values(ascending=False, kind="stable")
        two = list(first.index[:2])
        second = wide.loc[two, list(order[:2])].mean(axis=1)
        numbers = {each: number for number, each in enumerate(order, start=1)}
        numbered = own.assign(restart=own["restart"].map(numbers).fillna(1))
        outcome = levels.rounds(truth, target, numbered, names)
        assert outcome.values.idxmax() == second.idxmax()
        assert outcome.share == pytest.approx((4 + 2 + 1) / 33)


def test_drawn_restarts_lie_around_the_truth_as_far_as_seeds_do() -> None:
    truth, spread = hub_truth(ROOT / "reference"), hub_spread(ROOT / "reference")
    drawn = value._with_restarts(truth, spread)
    assert len(drawn.runs) == value.DRAWN * len(truth.runs)
    off = drawn.scores.loc["copa"] - truth.scores.loc["copa"]
    assert off.std() == pytest.approx(spread["copa"] / np.sqrt(value.DRAWN), rel=0.15)
