"""N-LEEP: LEEP with clusters of the features in place of the source's classes."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from interlude.selection.estimators import CHOICES, CLASSES, Estimator, NotApplicableError
from interlude.selection.estimators.leep import leep

CLUSTERS = 5  # for each class of the target
VARIANCE = 0.8  # share that the principal components keep


def n_leep(features: np.ndarray, labels: np.ndarray) -> float:
    """Return LEEP of the posteriors of a Gaussian mixture, at most 0.

    features [rows, width], labels int [rows]. Li et al. 2021: principal components with 80 % of the
    variance, five Gaussians for each class. Their covariances are diagonal here, since the number
    of rows is that of a few for each Gaussian. NotApplicableError with fewer rows than two each.
    """
    clusters = CLUSTERS * len(np.unique(labels))
    if len(features) < 2 * clusters:
        raise NotApplicableError(f"{len(features)} rows are too few for {clusters} clusters")
    reduced = PCA(VARIANCE, svd_solver="full").fit_transform(features)
    mixture = GaussianMixture(clusters, covariance_type="diag", random_state=0, max_iter=500)
    return leep(mixture.fit(reduced).predict_proba(reduced), labels)


ESTIMATOR = Estimator(
    paper="Li et al. 2021, N-LEEP",
    serves=(CLASSES, CHOICES),
    value=lambda rows: n_leep(rows.features, rows.labels),
)
