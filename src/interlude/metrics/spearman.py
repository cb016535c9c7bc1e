"""Spearman's correlation alone (STS-B in Weller et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence

from interlude.metrics import Scores
from interlude.metrics.pearson_spearman import pearson_spearman


def spearman(predicted: Sequence[float], gold: Sequence[float]) -> Scores:
    """Correlation of the ranks, the mean rank for ties; 0 for constant predictions."""
    both = pearson_spearman(predicted, gold)
    return {name: both[name] for name in ("spearman", "pearson")}
