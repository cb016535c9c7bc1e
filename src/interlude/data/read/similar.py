"""Find families of near-duplicate texts, so that no family straddles a split."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer

ROWS_AT_A_TIME = 500


def families(texts: list[str], similarity: float = 0.55) -> list[int]:
    """Return the family of each text: the index of the family's first text.

    Two texts are near duplicates when the Jaccard index of their sets of words (shared words over
    all words) reaches `similarity`; a family is a connected component of this relation.
    """
    if not any(re.search(r"\w", text) for text in texts):
        return list(range(len(texts)))
    links = np.concatenate(list(_near_pairs(texts, similarity)), axis=1)
    ones = np.ones(links.shape[1], dtype=np.int8)
    graph = coo_matrix((ones, (links[0], links[1])), shape=(len(texts), len(texts)))
    _, component = connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    return [int(index) for index in first[component]]


def _near_pairs(texts: list[str], similarity: float) -> Any:
    """Yield arrays of shape (2, pairs) with the indices of similar texts, themselves included."""
    word = r"\w+"
    counter = CountVectorizer(binary=True, token_pattern=word, dtype=np.int32)
    words = counter.fit_transform(texts)
    sizes = np.asarray(words.sum(axis=1)).ravel()
    for start in range(0, len(texts), ROWS_AT_A_TIME):
        shared = (words[start : start + ROWS_AT_A_TIME] @ words.T).tocoo()
        row = shared.row + start
        near = shared.data >= similarity * (sizes[row] + sizes[shared.col] - shared.data)
        yield np.stack([row[near], shared.col[near]])
