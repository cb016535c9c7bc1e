"""Correlations of numbers (STS-B)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from interlude.metrics import Scores


def pearson_spearman(predicted: Sequence[float], gold: Sequence[float]) -> Scores:
    """Mean of Pearson's and Spearman's correlation (STS-B in GLUE); 0 for constant predictions."""
    pearson = _correlation(predicted, gold)
    spearman = _correlation(rankdata(predicted), rankdata(gold))
    mean = (pearson + spearman) / 2
    return {"pearson_spearman": mean, "pearson": pearson, "spearman": spearman}


def _correlation(predicted: Sequence[float], gold: Sequence[float]) -> float:
    constant = np.ptp(predicted) == 0 or np.ptp(gold) == 0
    return 0.0 if constant else float(np.corrcoef(predicted, gold)[0, 1])
