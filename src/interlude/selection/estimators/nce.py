"""NCE: how much of the labels the most likely class of the source's head leaves open."""

from __future__ import annotations

import numpy as np

from interlude.selection.estimators import CHOICES, CLASSES, Estimator
from interlude.selection.estimators.leep import predictions_of


def nce(classes: np.ndarray, labels: np.ndarray) -> float:
    """Return minus the conditional entropy H(labels | classes) in nats, at most 0.

    classes: of the source, of each row, int [rows]; labels int [rows]. Tran et al. 2019.
    """
    _, row = np.unique(classes, return_inverse=True)
    _, column = np.unique(labels, return_inverse=True)
    joint = np.zeros((row.max() + 1, column.max() + 1))
    np.add.at(joint, (row, column), 1 / len(labels))
    conditional = joint / joint.sum(1, keepdims=True)
    return float((joint[joint > 0] * np.log(conditional[joint > 0])).sum())


ESTIMATOR = Estimator(
    paper="Tran et al. 2019, negative conditional entropy",
    serves=(CLASSES, CHOICES),
    value=lambda rows: nce(predictions_of(rows).argmax(1), rows.labels),
)
