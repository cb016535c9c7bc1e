"""Answers as bags of words, as the SQuAD 1.1 evaluation compares them."""

from __future__ import annotations

import re
import string
from collections import Counter


def token_f1(predicted: str, answer: str) -> float:
    """Return F1 of the words of two answers; of none at all, whether both have none."""
    found, wanted = words(predicted), words(answer)
    if not found or not wanted:
        return float(found == wanted)
    shared = sum((Counter(found) & Counter(wanted)).values())
    return 2 * shared / (len(found) + len(wanted))


def words(text: str) -> list[str]:
    """Return the lower-case words of a text without punctuation and articles."""
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()
