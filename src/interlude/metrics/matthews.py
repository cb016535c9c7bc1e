"""Matthews correlation (CoLA)."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.metrics import matthews_corrcoef

from interlude.metrics import Scores
from interlude.metrics.accuracy import accuracy


def matthews(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Matthews correlation (CoLA); 0 for constant predictions."""
    one_label = len({*predicted, *gold}) == 1  # scikit-learn gives 0 as well, and a warning
    correlation = 0.0 if one_label else float(matthews_corrcoef(gold, predicted))
    return {"matthews": correlation, **accuracy(predicted, gold)}
