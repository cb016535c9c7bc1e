"""Logistic probe: a logistic regression on frozen features."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from interlude.selection.estimators import CHOICES, CLASSES, Estimator
from interlude.selection.estimators.probes import probed

STEPS = 1000  # at most


def model() -> Any:
    """Return the model: standardised features, an L2 penalty of weight 1."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=STEPS))


ESTIMATOR = Estimator(
    paper="Poth et al. 2021, proxy models; Choshen et al. 2023",
    serves=(CLASSES, CHOICES),
    value=lambda rows: probed(model(), rows),
)
