"""F1 of tags (dependency relations, in Poth et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from sklearn.metrics import f1_score

from interlude.metrics import Scores
from interlude.metrics.tag_accuracy import tag_accuracy


def tag_f1(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> Scores:
    """Mean of the F1 of each tag, weighted by how many words have it (scikit-learn's `weighted`).

    A word that truncation cut off has no tag and counts as wrong.
    """
    accuracy = tag_accuracy(predicted, gold)  # which refuses sequences that do not match
    words = [list(chain.from_iterable(tags)) for tags in (gold, predicted)]
    f1 = float(f1_score(*words, average="weighted", zero_division=0))
    return {"tag_f1": f1, **accuracy}
