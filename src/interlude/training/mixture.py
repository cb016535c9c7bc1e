"""The batches of a mixture of several tasks, of examples of like length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice

import numpy as np
from typing_extensions import override

from interlude.training.batches import POOL, Batch, Sampling, Scores, training_batches
from interlude.training.samplers import sampler_of, shares_of, shuffled


@dataclass(frozen=True)
class Mixture(Sampling):
    """Several tasks, whose examples a sampler draws.

    mixing: mixed, batches are slices of the sampler's list, so that one may have examples of each
    task (Weller et al. 2022); or alternating, each batch is of one task (jiant). references: for a
    sampler that goes by scores, what each task reaches alone.
    """

    sampler: str
    mixing: str
    references: tuple[float, ...] = ()

    @override
    def steps_per_epoch(self, sizes: Sequence[int], batch_size: int) -> int:
        drawn = sampler_of(self.sampler)(np.array(sizes), np.random.default_rng(0))
        if self.mixing == "mixed":
            return len(_slices(drawn, batch_size))
        return int(_batches_of_each(drawn, len(sizes), batch_size).sum())

    @override
    def batches(
        self,
        lengths: Sequence[np.ndarray],
        batch_size: int,
        rng: np.random.Generator,
        scores: Scores | None = None,
    ) -> Iterator[Batch]:
        sizes = np.array([len(each) for each in lengths])
        make = _mixed if self.mixing == "mixed" else _alternating
        draw = sampler_of(self.sampler)
        if self.references and scores is not None:
            later = (draw(sizes, rng, self._lags(scores(epoch))) for epoch in count(1))
        else:
            later = (draw(sizes, rng) for _ in count())
        epochs = chain((draw(sizes, rng) for _ in range(1)), later)
        yield from make(epochs, lengths, batch_size, rng)

    @override
    def shares(self, sizes: Sequence[int], scores: Sequence[float] | None) -> list[float]:
        lags = None if scores is None else self._lags(scores)
        return list(shares_of(self.sampler)(np.array(sizes), lags).tolist())

    def _lags(self, scores: Sequence[float]) -> np.ndarray:
        """Return how far each task is behind, float [tasks]; a score below 0 counts as 0."""
        lags: np.ndarray = np.clip(self.references, 0, 1) - np.clip(scores, 0, 1)
        return lags


def _alternating(
    epochs: Iterator[np.ndarray],
    lengths: Sequence[np.ndarray],
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Yield batches of one task each, as many in an epoch as its examples of the task fill."""
    of_task = [training_batches(each, batch_size, rng) for each in lengths]
    for drawn in epochs:
        counts = _batches_of_each(drawn, len(lengths), batch_size)
        for task in shuffled(counts, rng):
            yield [(int(task), next(of_task[task]))]


def _mixed(
    epochs: Iterator[np.ndarray],
    lengths: Sequence[np.ndarray],
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Yield slices of what is drawn; pools of them share out examples that are sorted by length."""
    of_task = [_examples(len(each), rng) for each in lengths]
    for drawn in epochs:
        slices = _slices(drawn, batch_size)
        for start in range(0, len(slices), POOL):
            counts = np.stack(
                [np.bincount(each, minlength=len(lengths)) for each in slices[start : start + POOL]]
            )
            yield from _shared_out(counts, of_task, lengths, rng)


def _shared_out(
    counts: np.ndarray,
    of_task: Sequence[Iterator[int]],
    lengths: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Yield batches with so many examples of each task, int [batches, tasks].

    Some batches get the short examples of every task, and others the long ones.
    """
    by_length = rng.permutation(len(counts))
    shares: list[Batch] = [[] for _ in counts]
    for task, numbers_of_task in enumerate(of_task):
        numbers = np.array(list(islice(numbers_of_task, counts[:, task].sum())), dtype=np.int64)
        numbers = numbers[np.argsort(lengths[task][numbers], kind="stable")]
        cuts = np.cumsum(counts[by_length, task])[:-1]
        for batch, share in zip(by_length, np.split(numbers, cuts), strict=True):
            if len(share):
                shares[batch].append((task, share))
    yield from shares


def _examples(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield the numbers of a task's examples, each once before any comes again, without an end."""
    while True:
        yield from rng.permutation(count)


def _slices(drawn: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return np.array_split(drawn, range(batch_size, len(drawn), batch_size))


def _batches_of_each(drawn: np.ndarray, tasks: int, batch_size: int) -> np.ndarray:
    """Return the number of batches that the drawn examples of each task fill, int [tasks]."""
    return -(-np.bincount(drawn, minlength=tasks) // batch_size)
