"""TransRate: how many bits features and labels share, by the rate of coding the features."""

from __future__ import annotations

import numpy as np

from interlude.selection.estimators import CHOICES, CLASSES, Estimator

DISTORTION = 1e-4


def transrate(features: np.ndarray, labels: np.ndarray, distortion: float = DISTORTION) -> float:
    """Return the coding rate of all features less the mean of that of each class's, in nats.

    features [rows, width], labels int [rows]. Huang et al. 2022; classes count by their rows.
    Features are centred and scaled to a mean squared norm of 1 first, or an encoder would win by
    the mere size of its hidden states.
    """
    centred = features - features.mean(0)
    centred = centred / np.sqrt((centred**2).sum(1).mean())
    classes = [centred[labels == label] for label in np.unique(labels)]
    within = sum(len(each) / len(centred) * _rate(each, distortion) for each in classes)
    return _rate(centred, distortion) - within


def _rate(features: np.ndarray, distortion: float) -> float:
    """Return half the log determinant of 1 + F'F / (rows · distortion)."""
    singular = np.linalg.svd(features, compute_uv=False)
    return float(np.log1p(singular**2 / (len(features) * distortion)).sum() / 2)


ESTIMATOR = Estimator(
    paper="Huang et al. 2022, TransRate",
    serves=(CLASSES, CHOICES),
    value=lambda rows: transrate(rows.features, rows.labels),
)
