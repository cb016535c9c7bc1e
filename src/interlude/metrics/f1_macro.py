"""Macro F1 (CB)."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import f1_score

from interlude.metrics import Scores
from interlude.metrics.accuracy import accuracy


def f1_macro(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Unweighted mean of F1 over the labels that occur (CB)."""
    f1 = float(f1_score(gold, predicted, average="macro", zero_division=0))
    return {"f1_macro": f1, **accuracy(predicted, gold)}
