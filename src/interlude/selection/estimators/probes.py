"""What the probes share: each row is predicted by a model of the rows of other groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from interlude.selection.estimators import CHOICES, NUMBERS, Labelled, NotApplicableError

FOLDS = 5


def probed(model: Any, rows: Labelled) -> float:
    """Return how well a scikit-learn model predicts the labels, cross-validated in five folds.

    The share of rows with the right class; of choices, that of questions whose right answer is
    rated highest (of answers that are rated alike, each counts as chosen by its share); of numbers,
    the correlation.
    """
    of_classes = rows.kind == CHOICES and is_classifier(model)
    method = "predict_proba" if of_classes else "predict"
    predicted = cross_val_predict(model, rows.features, rows.labels, cv=_folds(rows), method=method)
    if rows.kind == NUMBERS:
        return float(np.corrcoef(predicted, rows.labels)[0, 1])
    if rows.kind == CHOICES:
        return share_chosen(predicted[:, 1] if of_classes else predicted, rows.labels, rows.groups)
    return float((predicted == rows.labels).mean())


def share_chosen(ratings: np.ndarray, right: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of groups whose right row has the highest rating; ties are shared out."""
    _, group = np.unique(groups, return_inverse=True)
    highest = np.full(group.max() + 1, -np.inf)
    np.maximum.at(highest, group, ratings)
    first = ratings == highest[group]
    return float((first * (right == 1) / np.bincount(group, first)[group]).sum() / len(highest))


def _folds(rows: Labelled) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same folds for each source; NotApplicableError where they cannot be cut."""
    if len(np.unique(rows.groups)) < FOLDS:
        raise NotApplicableError(f"there are fewer than {FOLDS} examples")
    cut = GroupKFold(FOLDS, shuffle=True, random_state=0)
    folds = list(cut.split(rows.features, rows.labels, rows.groups))
    if any(len(np.unique(rows.labels[train])) < 2 for train, _ in folds):
        raise NotApplicableError(f"without one of {FOLDS} folds all rows have the same label")
    return folds
