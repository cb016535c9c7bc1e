"""Metrics: functions of predictions and references, one of each per example.

Formulas are scikit-learn's where it has them, but for accuracy: its checks of the arguments cost
more than counting does, 20 times in each run. Scores lie in 0..1, correlations in -1..1. The first
number of a metric is the score that tables show; the rest is recorded beside it.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics as formulas

Scores = dict[str, float]
Reference = dict[str, Any]
Metric = Callable[[Sequence[Any], Sequence[Any]], Scores]


def accuracy(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Share of right predictions."""
    pairs = zip(predicted, gold, strict=True)
    return {"accuracy": fmean(float(found == wanted) for found, wanted in pairs)}


def accuracy_f1(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Mean of accuracy and F1 of label 1 (BoolQ and QQP in Pruksachatkun et al. 2020)."""
    right = accuracy(predicted, gold)["accuracy"]
    f1 = float(formulas.f1_score(gold, predicted, pos_label=1, zero_division=0))
    return {"accuracy_f1": (right + f1) / 2, "accuracy": right, "f1": f1}


def f1_macro(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Unweighted mean of F1 over the labels that occur (CB)."""
    f1 = float(formulas.f1_score(gold, predicted, average="macro", zero_division=0))
    return {"f1_macro": f1, **accuracy(predicted, gold)}


def matthews(predicted: Sequence[int], gold: Sequence[int]) -> Scores:
    """Matthews correlation (CoLA); 0 for constant predictions."""
    one_label = len({*predicted, *gold}) == 1  # scikit-learn gives 0 as well, and a warning
    correlation = 0.0 if one_label else float(formulas.matthews_corrcoef(gold, predicted))
    return {"matthews": correlation, **accuracy(predicted, gold)}


def qa_f1_em(predicted: Sequence[str], gold: Sequence[Sequence[str]]) -> Scores:
    """Mean of token F1 and exact match with the nearest answer, normalised as in SQuAD 1.1."""
    pairs = list(zip(predicted, gold, strict=True))
    f1 = fmean(max(_token_f1(text, answer) for answer in answers) for text, answers in pairs)
    exact = fmean(
        max(float(_words(text) == _words(answer)) for answer in answers) for text, answers in pairs
    )
    return {"qa_f1_em": (f1 + exact) / 2, "f1": f1, "exact_match": exact}


def entity_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> Scores:
    """Micro F1 over whole entities in BIO tags: type, start and end must all be right.

    An I- tag that continues nothing opens an entity, as in the CoNLL 2003 evaluation.
    """
    f1, rest = _pooled_f1([entities(tags) for tags in predicted], [entities(t) for t in gold])
    return {"entity_f1": f1, **rest}


def micro_f1(predicted: Sequence[Sequence[int]], gold: Sequence[Sequence[int]]) -> Scores:
    """F1 over all pairs of an example and one of its labels (edge probing, Tenney et al. 2019)."""
    f1, rest = _pooled_f1(predicted, gold)
    return {"micro_f1": f1, **rest}


def tag_accuracy(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> Scores:
    """Share of words with the right tag, over the words of all examples (CCG).

    A word that truncation cut off has no tag and counts as wrong.
    """
    sentences = zip(predicted, gold, strict=True)
    words = [pair for tags, wanted in sentences for pair in zip(tags, wanted, strict=True)]
    return {"tag_accuracy": fmean(float(tag == wanted) for tag, wanted in words)}


def pearson_spearman(predicted: Sequence[float], gold: Sequence[float]) -> Scores:
    """Mean of Pearson's and Spearman's correlation (STS-B in GLUE); 0 for constant predictions."""
    pearson = _correlation(predicted, gold)
    spearman = _correlation(rankdata(predicted), rankdata(gold))
    mean = (pearson + spearman) / 2
    return {"pearson_spearman": mean, "pearson": pearson, "spearman": spearman}


def multirc(predicted: Sequence[int], gold: Sequence[Reference]) -> Scores:
    """Mean of F1a and exact match (Khashabi et al. 2018, as in SuperGLUE).

    F1a is F1 of label 1 over the answer options of all questions; exact match is the share of
    questions all of whose options are right. gold: `question` (its id) and `label` of each option.
    """
    labels = [option["label"] for option in gold]
    f1 = float(formulas.f1_score(labels, predicted, pos_label=1, zero_division=0))
    all_right: dict[str, bool] = {}
    for label, option in zip(predicted, gold, strict=True):
        so_far = all_right.get(option["question"], True)
        all_right[option["question"]] = so_far and label == option["label"]
    exact = fmean(map(float, all_right.values()))
    return {"multirc": (f1 + exact) / 2, "f1a": f1, "exact_match": exact}


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


def entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (type, start, end) of the entities in a BIO sequence, the end exclusive."""
    spans: list[tuple[str, int, int]] = []
    for place, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix == "I" and spans and spans[-1][0] == kind and spans[-1][2] == place:
            spans[-1] = (kind, spans[-1][1], place + 1)
        elif prefix in ("B", "I"):
            spans.append((kind, place, place + 1))
    return spans


def _pooled_f1(
    predicted: Sequence[Sequence[Hashable]], gold: Sequence[Sequence[Hashable]]
) -> tuple[float, Scores]:
    """Return F1 over the items of all examples, 0 without any; and precision and recall."""
    examples = [(set(found), set(wanted)) for found, wanted in zip(predicted, gold, strict=True)]
    n_right = sum(len(found & wanted) for found, wanted in examples)
    n_found = sum(len(found) for found, _ in examples)
    n_wanted = sum(len(wanted) for _, wanted in examples)
    precision, recall = n_right / max(1, n_found), n_right / max(1, n_wanted)
    return 2 * n_right / max(1, n_found + n_wanted), {"precision": precision, "recall": recall}


def _correlation(predicted: Sequence[float], gold: Sequence[float]) -> float:
    constant = np.ptp(predicted) == 0 or np.ptp(gold) == 0
    return 0.0 if constant else float(np.corrcoef(predicted, gold)[0, 1])


def _token_f1(predicted: str, answer: str) -> float:
    found, wanted = _words(predicted), _words(answer)
    if not found or not wanted:
        return float(found == wanted)
    shared = sum((Counter(found) & Counter(wanted)).values())
    return 2 * shared / (len(found) + len(wanted))


def _words(text: str) -> list[str]:
    """Lower-case words without punctuation and articles (the SQuAD 1.1 evaluation)."""
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


METRICS: dict[str, Metric] = {
    metric.__name__: metric
    for metric in (
        accuracy,
        accuracy_f1,
        f1_macro,
        matthews,
        qa_f1_em,
        entity_f1,
        tag_accuracy,
        micro_f1,
        pearson_spearman,
        multirc,
        record,
    )
}
