"""F1 and exact match of answers (SQuAD)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from interlude.metrics import Scores
from interlude.metrics.formulas.answers import token_f1, words


def qa_f1_em(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> Scores:
    """Mean of token F1 and exact match with the nearest answer, normalised as in SQuAD 1.1."""
    pairs = list(zip(predicted, gold, strict=True))
    f1 = fmean(max(token_f1(text, answer) for answer in answers) for text, answers in pairs)
    exact = fmean(
        max(float(words(text) == words(answer)) for answer in answers) for text, answers in pairs
    )
    return {"qa_f1_em": (f1 + exact) / 2, "f1": f1, "exact_match": exact}
