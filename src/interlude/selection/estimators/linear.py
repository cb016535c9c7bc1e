"""Linear probe: a ridge regression on frozen features."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interlude.selection.estimators import CHOICES, CLASSES, NUMBERS, Estimator
from interlude.selection.estimators.probes import probed

PENALTIES = np.logspace(0, 4, 5)


def model(kind: str) -> Any:
    """Return the model: standardised features, the penalty that leaves one row out best.

    Of classes it regresses on one column each; of choices on whether an answer is the right one.
    """
    ridge = RidgeClassifierCV if kind == CLASSES else RidgeCV
    return make_pipeline(StandardScaler(), ridge(alphas=PENALTIES))


ESTIMATOR = Estimator(
    paper="Poth et al. 2021, proxy models",
    serves=(CLASSES, CHOICES, NUMBERS),
    value=lambda rows: probed(model(rows.kind), rows),
)
