"""Estimators, each against another kind of computation: loops, densities, plain scikit-learn."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import entropy, multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from interlude.selection import estimators
from interlude.selection.estimators import (
    CHOICES,
    CLASSES,
    NUMBERS,
    Labelled,
    NotApplicableError,
    estimator_of,
)
from interlude.selection.estimators.h_score import h_score
from interlude.selection.estimators.leep import leep
from interlude.selection.estimators.logme import logme
from interlude.selection.estimators.n_leep import n_leep
from interlude.selection.estimators.nce import nce
from interlude.selection.estimators.probes import share_chosen
from interlude.selection.estimators.transrate import transrate

METHODS = ("knn", "linear", "logistic", "logme", "h-score", "leep", "nce", "n-leep", "transrate")


def rows(kind: str = CLASSES, apart: float = 1.0, n: int = 120, width: int = 6) -> Labelled:
    """Return rows of three classes, of questions with four answers, or of numbers.

    apart: how far from each other features of different labels lie.
    """
    rng = np.random.default_rng(3)
    labels = {
        CLASSES: np.arange(n) % 3,
        CHOICES: (np.arange(n) % 4 == np.arange(n) // 4 % 4).astype(int),
        NUMBERS: rng.normal(size=n),
    }[kind]
    features = rng.normal(size=(n, width))
    features[:, 0] += apart * labels
    predicted = rng.dirichlet(np.ones(4), size=n)
    if kind == CLASSES:
        predicted = predicted + apart * np.eye(4)[labels]
    predicted /= predicted.sum(1, keepdims=True)
    groups = np.arange(n) // 4 if kind == CHOICES else np.arange(n)
    return Labelled(features, labels, groups, kind, predicted)


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.stack([labels == label for label in np.unique(labels)], 1).astype(float)


@pytest.mark.parametrize(("n", "width"), [(40, 5), (12, 30)])
def test_logme_is_the_largest_density_of_the_labels_under_its_bayesian_model(
    n: int, width: int
) -> None:
    """Weights integrated out, labels are normal with covariance FF'/α + 1/β."""
    labelled = rows(n=n, width=width)
    targets = one_hot(labelled.labels)

    def density(log_precisions: np.ndarray, target: np.ndarray) -> float:
        alpha, beta = np.exp(log_precisions)
        covariance = labelled.features @ labelled.features.T / alpha + np.eye(n) / beta
        return float(-multivariate_normal(np.zeros(n), covariance).logpdf(target))

    def largest(target: np.ndarray) -> float:
        starts = ([0.0, 0.0], [3.0, 0.0], [8.0, 1.0])
        how: dict[str, Any] = {"method": "Nelder-Mead", "bounds": [(-15, 15)] * 2}
        fits = [minimize(density, start, (target,), **how) for start in starts]
        return -min(float(fit.fun) for fit in fits)

    expected = np.mean([largest(target) for target in targets.T]) / n
    assert logme(labelled.features, targets) == pytest.approx(expected, abs=1e-4)


def test_h_score_is_the_trace_of_its_definition() -> None:
    labelled = rows()
    means = {c: labelled.features[labelled.labels == c].mean(0) for c in range(3)}
    expected_features = np.array([means[label] for label in labelled.labels])
    covariances = [np.cov(each.T, bias=True) for each in (labelled.features, expected_features)]
    plain = np.trace(np.linalg.inv(covariances[0]) @ covariances[1])
    assert h_score(labelled.features, labelled.labels, 0) == pytest.approx(plain)
    fit = LedoitWolf().fit(labelled.features)
    shrunk = np.trace(np.linalg.inv(fit.covariance_) @ covariances[1]) * (1 - fit.shrinkage_)
    assert fit.shrinkage_ > 0.01
    assert h_score(labelled.features, labelled.labels) == pytest.approx(shrunk)


def test_leep_and_nce_by_hand() -> None:
    labelled = rows(n=30)
    predicted, labels = labelled.predicted, labelled.labels
    assert predicted is not None
    total = 0.0
    for row, label in enumerate(labels):
        likelihood = 0.0
        for z in range(4):
            joint = sum(predicted[i, z] for i in range(30) if labels[i] == label) / 30
            likelihood += predicted[row, z] * joint / (sum(predicted[:, z]) / 30)
        total += math.log(likelihood)
    assert leep(predicted, labels) == pytest.approx(total / 30)

    likely = [int(each) for each in predicted.argmax(1)]
    pairs, alone = Counter(zip(likely, labels, strict=True)), Counter(likely)
    joint_entropy = entropy(list(pairs.values())) - entropy(list(alone.values()))
    assert nce(np.array(likely), labels) == pytest.approx(-joint_entropy)


def test_certain_predictions_make_leep_equal_to_nce() -> None:
    labelled = rows(n=30)
    likely = np.arange(30) % 4
    assert leep(np.eye(5)[likely], labelled.labels) == pytest.approx(nce(likely, labelled.labels))


def test_n_leep_is_leep_of_the_clusters_that_scikit_learn_finds() -> None:
    labelled = rows()
    reduced = PCA().fit(labelled.features)
    kept = int(np.searchsorted(reduced.explained_variance_ratio_.cumsum(), 0.8)) + 1
    components = reduced.transform(labelled.features)[:, :kept]
    mixture = GaussianMixture(15, covariance_type="diag", random_state=0, max_iter=500)
    posteriors = mixture.fit(components).predict_proba(components)
    assert n_leep(labelled.features, labelled.labels) == pytest.approx(
        leep(posteriors, labelled.labels)
    )


def test_n_leep_says_when_rows_are_too_few() -> None:
    with pytest.raises(NotApplicableError, match="29 rows are too few for 15 clusters"):
        n_leep(rows(n=29).features, rows(n=29).labels)


def test_transrate_is_a_difference_of_log_determinants() -> None:
    labelled = rows()
    features = labelled.features - labelled.features.mean(0)
    features /= np.sqrt(np.mean([row @ row for row in features]))

    def rate(of: np.ndarray) -> float:
        matrix = np.eye(6) + of.T @ of / (len(of) * 1e-4)
        return float(np.linalg.slogdet(matrix)[1]) / 2

    classes = [features[labelled.labels == c] for c in range(3)]
    expected = rate(features) - sum(len(each) / 120 * rate(each) for each in classes)
    assert transrate(labelled.features, labelled.labels) == pytest.approx(expected)
    assert transrate(labelled.features * 7, labelled.labels) == pytest.approx(expected)


def folds(groups: np.ndarray) -> list[np.ndarray]:
    """Return which rows each fold holds, as the probes are documented to cut: by whole groups."""
    cut = GroupKFold(5, shuffle=True, random_state=0)
    return [held_out for _, held_out in cut.split(groups, groups, groups)]


def predicted_plainly(labelled: Labelled, model: Any, rating: bool = False) -> np.ndarray:
    """Return what a model that has seen the other folds, standardised by them, makes of a row."""
    made = np.zeros(len(labelled.labels))
    for held_out in folds(labelled.groups):
        seen = np.setdiff1d(np.arange(len(made)), held_out)
        assert not {*labelled.groups[seen]} & {*labelled.groups[held_out]}
        scaler = StandardScaler().fit(labelled.features[seen])
        model.fit(scaler.transform(labelled.features[seen]), labelled.labels[seen])
        shown = scaler.transform(labelled.features[held_out])
        made[held_out] = model.predict_proba(shown)[:, 1] if rating else model.predict(shown)
    return made


def test_the_logistic_probe_is_a_plain_logistic_regression_on_other_rows() -> None:
    labelled = rows()
    made = predicted_plainly(labelled, LogisticRegression(max_iter=1000))
    accuracy = np.mean(made == labelled.labels)
    assert 0.4 < accuracy < 0.9
    assert estimator_of("logistic").of(labelled) == pytest.approx(accuracy)


def test_the_logistic_probe_chooses_the_answer_that_it_rates_highest() -> None:
    labelled = rows(CHOICES)
    ratings = predicted_plainly(labelled, LogisticRegression(max_iter=1000), rating=True)
    chosen = [q * 4 + int(ratings[q * 4 : q * 4 + 4].argmax()) for q in range(30)]
    share = np.mean(labelled.labels[chosen])
    assert 0.3 < share < 0.9
    assert estimator_of("logistic").of(labelled) == pytest.approx(share)


def test_the_linear_probe_correlates_with_numbers_as_the_best_of_some_ridges() -> None:
    labelled = rows(NUMBERS)
    plain = [predicted_plainly(labelled, Ridge(10.0**power)) for power in range(5)]
    correlations = [np.corrcoef(each, labelled.labels)[0, 1] for each in plain]
    value = estimator_of("linear").of(labelled)
    assert min(correlations) - 0.01 < value < max(correlations) + 0.01


def test_the_linear_probe_finds_classes_and_choices_better_than_chance() -> None:
    assert estimator_of("linear").of(rows(apart=3)) > 0.6
    assert estimator_of("linear").of(rows(CHOICES, apart=5)) > 0.8


def test_nearest_neighbours_vote_by_cosine_among_other_rows() -> None:
    labelled = rows(apart=4)
    right = 0
    for held_out in folds(labelled.groups):
        seen = np.setdiff1d(np.arange(120), held_out)
        unit = labelled.features / np.linalg.norm(labelled.features, axis=1, keepdims=True)
        near = NearestNeighbors(n_neighbors=5).fit(unit[seen])
        for row in held_out:
            (five,) = near.kneighbors(unit[row][None], return_distance=False)
            votes = np.bincount(labelled.labels[seen][five], minlength=3)
            right += int(votes.argmax() == labelled.labels[row])
    assert 60 < right < 115
    assert estimator_of("knn").of(labelled) == pytest.approx(right / 120)


def test_answers_that_are_rated_alike_share_the_choice() -> None:
    ratings, right = np.array([1, 1, 0, 0.5, 0.5, 0.5, 2.0]), np.array([1, 0, 0, 0, 0, 1, 1])
    assert share_chosen(ratings, right, np.array([0, 0, 0, 1, 1, 1, 2])) == pytest.approx(
        (1 / 2 + 1 / 3 + 1) / 3
    )


@pytest.mark.parametrize("method", METHODS)
def test_labels_that_are_further_apart_score_higher(method: str) -> None:
    near, far = (estimator_of(method).of(rows(apart=apart)) for apart in (0.1, 6.0))
    assert near < far


@pytest.mark.parametrize("method", METHODS)
def test_without_a_number_a_method_gives_the_reason(method: str) -> None:
    estimator = estimator_of(method)
    for kind in {CLASSES, CHOICES, NUMBERS} - {*estimator.serves}:
        with pytest.raises(NotApplicableError, match=f"not {kind}"):
            estimator.of(rows(kind))
    same = rows()
    same.labels[:] = 1
    with pytest.raises(NotApplicableError, match="same label"):
        estimator.of(same)


@pytest.mark.parametrize("method", ["leep", "nce"])
def test_a_source_without_classes_is_refused(method: str) -> None:
    labelled = rows()
    with pytest.raises(NotApplicableError, match="no classes"):
        estimator_of(method).of(
            Labelled(labelled.features, labelled.labels, labelled.groups, CLASSES)
        )


def test_every_module_is_a_method_or_shared_by_some() -> None:
    folder = Path(estimators.__file__).parent
    modules = {path.stem.replace("_", "-") for path in folder.glob("*.py")}
    assert modules - {"--init--", "probes"} == {*METHODS}


def test_each_estimator_names_its_paper() -> None:
    assert all(estimator_of(method).paper for method in METHODS)
