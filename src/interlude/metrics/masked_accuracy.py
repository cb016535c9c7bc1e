"""How well masked tokens are guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from statistics import fmean
from typing import Any

from interlude.metrics import Scores

Guessed = dict[str, Any]
MOST = 700.0  # of a surprisal; the exponential of more is infinite


def masked_accuracy(predicted: Sequence[Guessed], gold: Sequence[Sequence[int]]) -> Scores:
    """Share of masked tokens that are right, over all texts together; and the perplexity.

    predicted: of each text its `tokens`, the most probable ones, and their `surprisals`: minus the
    natural logarithm of the probability of each right token. Without these there is no perplexity,
    which is the exponential of their mean.
    """
    tokens = chain.from_iterable(text["tokens"] for text in predicted)
    pairs = zip(tokens, chain.from_iterable(gold), strict=True)
    scores = {"masked_accuracy": fmean(float(found == wanted) for found, wanted in pairs)}
    surprisals = [each for text in predicted for each in text["surprisals"]]
    if surprisals:
        scores["perplexity"] = math.exp(min(fmean(surprisals), MOST))
    return scores
