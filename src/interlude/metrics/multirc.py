"""F1a and exact match per question (MultiRC)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from sklearn.metrics import f1_score

from interlude.metrics import Reference, Scores


def multirc(predicted: Sequence[int], gold: Sequence[Reference]) -> Scores:
    """Mean of F1a and exact match (Khashabi et al. 2018, as in SuperGLUE).

    F1a is F1 of label 1 over the answer options of all questions; exact match is the share of
    questions all of whose options are right. gold: `question` (its id) and `label` of each option.
    """
    labels = [option["label"] for option in gold]
    f1 = float(f1_score(labels, predicted, pos_label=1, zero_division=0))
    all_right: dict[str, bool] = {}
    for label, option in zip(predicted, gold, strict=True):
        so_far = all_right.get(option["question"], True)
        all_right[option["question"]] = so_far and label == option["label"]
    exact = fmean(map(float, all_right.values()))
    return {"multirc": (f1 + exact) / 2, "f1a": f1, "exact_match": exact}
