"""F1 and exact match of each question's best candidate (ReCoRD)."""

from __future__ import annotations

from collections.abc import Sequence

from interlude.metrics import Reference, Scores
from interlude.metrics.qa_f1_em import qa_f1_em


def record(predicted: Sequence[float], gold: Sequence[Reference]) -> Scores:
    """Mean of token F1 and exact match of each question's best-scored candidate (ReCoRD).

    The first of equal scores wins. gold: `question` (its id), `answer` (the candidate) and
    `answers` (all that are right; the nearest counts) of each candidate.
    """
    best: dict[str, tuple[float, Reference]] = {}
    for score, candidate in zip(predicted, gold, strict=True):
        question = candidate["question"]
        if question not in best or score > best[question][0]:
            best[question] = (score, candidate)
    chosen = [candidate for _, candidate in best.values()]
    scores = qa_f1_em([each["answer"] for each in chosen], [each["answers"] for each in chosen])
    return {"record": scores.pop("qa_f1_em"), **scores}
