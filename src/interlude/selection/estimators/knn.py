"""Nearest neighbours: whether examples of a label lie near each other."""

from __future__ import annotations

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from interlude.selection.estimators import CHOICES, CLASSES, NUMBERS, Estimator, Labelled
from interlude.selection.estimators.probes import probed

NEIGHBOURS = 5


def knn(rows: Labelled) -> float:
    """Return how well the five neighbours of the highest cosine predict a row: see `probed`."""
    kind = KNeighborsRegressor if rows.kind == NUMBERS else KNeighborsClassifier
    return probed(kind(NEIGHBOURS, metric="cosine"), rows)


ESTIMATOR = Estimator(
    paper="Poth et al. 2021, proxy models; Renggli et al. 2022",
    serves=(CLASSES, CHOICES, NUMBERS),
    value=knn,
)
