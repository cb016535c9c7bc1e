"""Accuracy. Counted here: scikit-learn checks its arguments for 20 times as long."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from interlude.metrics import Scores


def accuracy(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Share of right predictions."""
    pairs = zip(predicted, gold, strict=True)
    return {"accuracy": fmean(float(found == wanted) for found, wanted in pairs)}
