"""Regret and NDCG in their definitions: against all orders of equals, and against scikit-learn."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import ndcg_score

from interlude.analysis.ranking_quality import (
    GAINS,
    Measure,
    best_of_top,
    mean_regret,
    measures,
    ndcg,
    regret,
)

NOISE = np.random.default_rng(3)
SCORES = NOISE.uniform(40, 90, 6)
TIED = np.array([2.0, 1.0, 1.0, 1.0, 0.0, 2.0])


def orders(values: np.ndarray) -> list[list[int]]:
    """Every order by falling value, with equals in each of their orders."""
    return [
        list(order)
        for order in itertools.permutations(range(len(values)))
        if all(values[one] >= values[other] for one, other in itertools.pairwise(order))
    ]


@pytest.mark.parametrize("values", [SCORES, -SCORES, TIED, np.zeros(6)], ids=str)
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_regret_is_the_mean_over_all_orders_of_equals(values: np.ndarray, k: int) -> None:
    every = [SCORES[order] for order in orders(values)]
    best = SCORES.max()
    by_best = np.mean([(best - scores[:k].max()) / best for scores in every])
    assert regret(SCORES, values, k) == pytest.approx(by_best, abs=1e-12)
    most = np.sort(SCORES)[::-1][:k].mean()
    by_mean = np.mean([(most - scores[:k].mean()) / most for scores in every])
    assert mean_regret(SCORES, values, k) == pytest.approx(by_mean, abs=1e-12)


@pytest.mark.parametrize("values", [NOISE.normal(size=6), TIED, np.zeros(6)], ids=str)
def test_ndcg_is_that_of_scikit_learn(values: np.ndarray) -> None:
    beaten = [sum(score > SCORES) for score in SCORES]
    gains = {
        "gain 2^(100·score) − 1": 2**SCORES - 1,
        "gain 2^rank − 1": 2.0 ** np.array(beaten) - 1,
        "gain score": SCORES,
    }
    measured = measures(SCORES, values)
    for definition, gain in gains.items():
        expected = 100 * ndcg_score([gain / gain.max()], [values])
        assert measured[Measure("ndcg", definition)] == pytest.approx(expected, abs=1e-9)


def test_correlations_are_those_of_scipy() -> None:
    values = NOISE.normal(size=6).round(0)
    measured = measures(SCORES, values)
    kendall, spearman = stats.kendalltau(SCORES, values), stats.spearmanr(SCORES, values)
    assert measured[Measure("kendall", "tau-b")] == pytest.approx(100 * kendall.statistic)
    assert measured[Measure("spearman", "rho")] == pytest.approx(100 * spearman.statistic)


def test_an_order_of_equals_has_no_correlation_and_equal_scores_have_none_that_is_known() -> None:
    equal = np.zeros(6)
    assert measures(SCORES, equal)[Measure("spearman", "rho")] == 0
    assert math.isnan(measures(equal + 50, SCORES)[Measure("kendall", "tau-b")])


def test_a_best_score_that_is_not_above_zero_has_no_regret() -> None:
    below = np.array([-2.0, -1.0, 0.0])
    assert math.isnan(regret(below, below, 1))
    assert math.isnan(mean_regret(below, below, 1))
    assert math.isnan(ndcg(GAINS["gain score"](below), below))


def test_as_many_sources_as_there_are_leave_nothing_to_choose() -> None:
    assert {measure.k for measure in measures(SCORES[:3], TIED[:3])} == {1, None}
    assert best_of_top(SCORES, np.zeros(6), 6) == SCORES.max()


def test_a_thousand_sources_have_finite_gains() -> None:
    many = np.arange(2000) / 40
    assert ndcg(GAINS["gain 2^rank − 1"](many), many) == pytest.approx(1)
