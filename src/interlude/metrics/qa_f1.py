"""F1 of answers (DROP, Quoref)."""

from __future__ import annotations

from collections.abc import Sequence

from interlude.metrics import Scores
from interlude.metrics.qa_f1_em import qa_f1_em


def qa_f1(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> Scores:
    """Token F1 with the nearest answer, normalised as in SQuAD 1.1; exact match beside it."""
    scores = qa_f1_em(predicted, gold)
    return {"qa_f1": scores["f1"], "exact_match": scores["exact_match"]}
