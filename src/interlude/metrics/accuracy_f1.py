"""Accuracy and F1 (BoolQ, QQP)."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import f1_score

from interlude.metrics import Scores
from interlude.metrics.accuracy import accuracy


def accuracy_f1(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Mean of accuracy and F1 of label 1 (BoolQ and QQP in Pruksachatkun et al. 2020)."""
    right = accuracy(predicted, gold)["accuracy"]
    f1 = float(f1_score(gold, predicted, pos_label=1, zero_division=0))
    return {"accuracy_f1": (right + f1) / 2, "accuracy": right, "f1": f1}
