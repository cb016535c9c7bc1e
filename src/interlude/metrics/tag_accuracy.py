"""Accuracy of tags (CCG)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from interlude.metrics import Scores


def tag_accuracy(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> Scores:
    """Share of words with the right tag, over the words of all examples (CCG).

    A word that truncation cut off has no tag and counts as wrong.
    """
    sentences = zip(predicted, gold, strict=True)
    words = [pair for tags, wanted in sentences for pair in zip(tags, wanted, strict=True)]
    return {"tag_accuracy": fmean(float(tag == wanted) for tag, wanted in words)}
