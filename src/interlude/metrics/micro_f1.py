"""Micro F1 (edge probing)."""

from __future__ import annotations

from collections.abc import Sequence

from interlude.metrics import Scores
from interlude.metrics.formulas.pooled_f1 import pooled_f1


def micro_f1(predicted: Sequence[Sequence[int]], gold: Sequence[Sequence[int]]) -> Scores:
    """F1 over all pairs of an example and one of its labels (edge probing, Tenney et al. 2019)."""
    f1, rest = pooled_f1(predicted, gold)
    return {"micro_f1": f1, **rest}
