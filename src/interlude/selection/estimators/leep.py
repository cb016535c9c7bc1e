"""LEEP: how well the labels follow from what the head of the source makes of the examples."""

from __future__ import annotations

import numpy as np

from interlude.selection.estimators import (
    CHOICES,
    CLASSES,
    Estimator,
    Labelled,
    NotApplicableError,
)


def leep(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean log likelihood of labels by P(y | z) and the source's P(z | x), at most 0.

    predicted: probabilities of the source's classes, [rows, classes]; labels int [rows]. Nguyen et
    al. 2020.
    """
    names, number = np.unique(labels, return_inverse=True)
    joint = np.zeros((len(names), predicted.shape[1]))
    np.add.at(joint, number, predicted)
    total = joint.sum(0)
    conditional = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    return float(np.log((predicted * conditional[number]).sum(1)).mean())


def predictions_of(rows: Labelled) -> np.ndarray:
    """Return what the head of the source predicts; NotApplicableError where it has no classes."""
    if rows.predicted is None:
        raise NotApplicableError("the head of the source gives these examples no classes")
    return rows.predicted


ESTIMATOR = Estimator(
    paper="Nguyen et al. 2020, LEEP",
    serves=(CLASSES, CHOICES),
    value=lambda rows: leep(predictions_of(rows), rows.labels),
)
