"""The hierarchical model: the textbook's example, and what it says at its limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interlude.analysis.hierarchy import FLAT, HALF_CAUCHY, Hierarchy, fit_hierarchy

# Effects and standard errors of coaching in eight schools (Gelman et al. 2013, section 5.5).
SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
ERRORS = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


@pytest.fixture(scope="module")
def schools() -> Hierarchy:
    return fit_hierarchy(SCHOOLS, ERRORS**2, 0.05)


def test_eight_schools(schools: Hierarchy) -> None:
    assert schools.prior == FLAT
    assert (schools.mu, schools.tau) == pytest.approx((7.93, 6.57), abs=0.01)
    effects = [11.4, 7.9, 6.1, 7.6, 5.1, 6.1, 10.7, 8.5]
    assert [cell.mean for cell in schools.cells] == pytest.approx(effects, abs=0.05)


def test_bounds_are_quantiles_as_in_draws_of_the_same_model(schools: Hierarchy) -> None:
    """Drawn as in Gelman et al.: tau from a grid, mu given tau, an effect given both."""
    draws = np.random.default_rng(0)
    tau = np.linspace(0.01, 120, 20_000)
    weights = 1 / (ERRORS**2 + tau[:, None] ** 2)
    variance = 1 / weights.sum(axis=1)
    centre = variance * (weights @ SCHOOLS)
    log_density = (
        0.5 * np.log(variance)
        + 0.5 * np.log(weights).sum(axis=1)
        - 0.5 * (weights * (SCHOOLS - centre[:, None]) ** 2).sum(axis=1)
    )
    density = np.exp(log_density - log_density.max())
    place = draws.choice(len(tau), 400_000, p=density / density.sum())
    mu = draws.normal(centre[place], np.sqrt(variance[place]))
    new = draws.normal(mu, tau[place])
    assert schools.mu_interval == pytest.approx(np.quantile(mu, [0.025, 0.975]), abs=0.15)
    assert schools.new_interval == pytest.approx(np.quantile(new, [0.025, 0.975]), abs=0.3)
    assert schools.p_new == pytest.approx((new > 0).mean(), abs=0.005)
    first = 1 / (1 / ERRORS[0] ** 2 + 1 / tau[place] ** 2)
    school = draws.normal(
        first * (SCHOOLS[0] / ERRORS[0] ** 2 + mu / tau[place] ** 2), np.sqrt(first)
    )
    low, high = np.quantile(school, [0.025, 0.975])
    assert (schools.cells[0].low, schools.cells[0].high) == pytest.approx((low, high), abs=0.3)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_another_unit_changes_nothing_but_the_unit(schools: Hierarchy, scale: float) -> None:
    scaled = fit_hierarchy(scale * SCHOOLS, (scale * ERRORS) ** 2, 0.05)
    assert scaled.mu == pytest.approx(scale * schools.mu)
    assert scaled.new_interval == pytest.approx([scale * bound for bound in schools.new_interval])
    assert scaled.p_new == pytest.approx(schools.p_new)


def test_below_five_tasks_the_prior_is_named_and_holds_tau_in_bounds() -> None:
    few = fit_hierarchy(np.array([4.0, -2.0]), np.array([1.0, 1.0]), 0.05)
    assert few.prior == HALF_CAUCHY
    assert few.tau < 10  # with a flat prior it would lie in the middle of the grid, 21
    assert fit_hierarchy(np.arange(4.0), np.ones(4), 0.05).prior == HALF_CAUCHY
    assert fit_hierarchy(np.arange(5.0), np.ones(5), 0.05).prior == FLAT


def test_effects_that_happen_to_be_equal_are_not_assumed_known() -> None:
    same = fit_hierarchy(np.array([2.0, 2.0]), np.array([4.0, 4.0]), 0.05)
    assert same.mu == pytest.approx(2)
    assert same.tau > 0.5
    assert same.mu_interval[1] - same.mu_interval[0] > 2 * 1.96 * math.sqrt(2)
