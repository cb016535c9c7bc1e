"""Similarity of tasks, and the fusion of rankings."""

from __future__ import annotations

import numpy as np
import pytest

from interlude.selection.similarity import cosine, fused, overlap, task_similarity


def test_cosine() -> None:
    assert cosine(np.array([3.0, 4.0]), np.array([4.0, 3.0])) == pytest.approx(24 / 25)
    assert cosine(np.zeros(2), np.ones(2)) == 0


def test_overlap_is_jaccards_index() -> None:
    assert overlap({1, 2, 3}, {2, 3, 4, 5}) == pytest.approx(2 / 5)


def test_ranks_are_fused_by_their_reciprocals() -> None:
    values = fused([[0.9, 0.5, 0.1], [0.2, 0.8, 0.2]])
    assert values == pytest.approx([1 / 61 + 1 / 62.5, 1 / 62 + 1 / 61, 1 / 63 + 1 / 62.5])


def test_tasks_are_ranked_by_the_cosine_of_each_component() -> None:
    target = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0])}
    alike = {"a": np.array([5.0, 0.1]), "b": np.array([0.1, 2.0])}
    half = {"a": np.array([5.0, 0.0]), "b": np.array([1.0, 0.0])}
    values = task_similarity([half, alike], target)
    assert values == pytest.approx([1 / 61 + 1 / 62, 1 / 62 + 1 / 61])
    other = {"a": np.array([0.0, 1.0]), "b": np.array([1.0, 0.0])}
    assert task_similarity([other, alike], target) == pytest.approx([2 / 62, 2 / 61])
