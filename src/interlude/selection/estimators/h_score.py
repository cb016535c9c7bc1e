"""H-score, regularised: how far apart the means of the classes are, where features vary little."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve
from sklearn.covariance import ledoit_wolf_shrinkage

from interlude.selection.estimators import CHOICES, CLASSES, Estimator


def h_score(features: np.ndarray, labels: np.ndarray, shrinkage: float | None = None) -> float:
    """Return tr(cov(F)⁻¹ cov(E[F | y])), higher for classes that are easier to separate.

    features [rows, width], labels int [rows]. Bao et al. 2019. Where rows are few, cov(F) is
    singular: Ibrahim et al. 2022 shrink it to a multiple of the identity, by as much as Ledoit and
    Wolf 2004 find best, and multiply cov(E[F | y]) by 1 - shrinkage. shrinkage: another one; 0 for
    none.
    """
    centred = features - features.mean(0)
    if shrinkage is None:
        shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    _, number = np.unique(labels, return_inverse=True)
    counts = np.bincount(number)
    sums = np.zeros((len(counts), features.shape[1]))
    np.add.at(sums, number, centred)
    between = sums.T @ (sums / counts[:, None]) / len(features)
    covariance = centred.T @ centred / len(features)
    width = len(covariance)
    shrunk = (1 - shrinkage) * covariance
    shrunk += shrinkage * np.trace(covariance) / width * np.eye(width)
    return float(np.trace(solve(shrunk, (1 - shrinkage) * between, assume_a="pos")))


ESTIMATOR = Estimator(
    paper="Bao et al. 2019; regularised by Ibrahim et al. 2022",
    serves=(CLASSES, CHOICES),
    value=lambda rows: h_score(rows.features, rows.labels),
)
