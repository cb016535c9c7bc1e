"""Batches of examples of like length, so that little of a batch is padding."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor
from typing_extensions import override

from interlude.forms.examples import Row
from interlude.forms.head import Form, Tensors

POOL = 32  # batches whose examples are sorted by length together
EVALUATION_TOKENS = 4096  # tokens with padding in an evaluation batch

# Of each task that has examples in it: the number of the task, and the numbers of the examples.
Batch = list[tuple[int, np.ndarray]]
# Returns, after an epoch, from 1 on, the score of each task on the examples held aside.
Scores = Callable[[int], Sequence[float]]


class Sampling(ABC):
    """Which examples each step of a training sees."""

    @abstractmethod
    def steps_per_epoch(self, sizes: Sequence[int], batch_size: int) -> int:
        """Return the number of batches in an epoch, from the number of examples of each task."""

    @abstractmethod
    def batches(
        self,
        lengths: Sequence[np.ndarray],
        batch_size: int,
        rng: np.random.Generator,
        scores: Scores | None = None,
    ) -> Iterator[Batch]:
        """Yield batches, epoch after epoch, without an end.

        lengths: in tokens, of the examples of each task. scores: asked for when the first batch of
        the next epoch is, and never before.
        """

    @abstractmethod
    def shares(self, sizes: Sequence[int], scores: Sequence[float] | None) -> list[float]:
        """Return the share of each task in an epoch, where it goes by scores.

        scores: those after the epoch before; None in the first one.
        """


class OneTask(Sampling):
    """All examples of the only task in every epoch."""

    @override
    def steps_per_epoch(self, sizes: Sequence[int], batch_size: int) -> int:
        (size,) = sizes
        return math.ceil(size / batch_size)

    @override
    def batches(
        self,
        lengths: Sequence[np.ndarray],
        batch_size: int,
        rng: np.random.Generator,
        scores: Scores | None = None,
    ) -> Iterator[Batch]:
        (of_task,) = lengths
        for numbers in training_batches(of_task, batch_size, rng):
            yield [(0, numbers)]

    @override
    def shares(self, sizes: Sequence[int], scores: Sequence[float] | None) -> list[float]:
        return [1.0]


def subset(
    examples: pa.Table,
    most: int | None,
    together: str | None = None,
    among: np.ndarray | None = None,
) -> pa.Table:
    """Return at most this many examples, the same ones for every run of a task.

    together: a column; examples that share its value are all kept or all left out. One such group
    is kept even if it has more examples. among: which may be drawn, bool [examples]; all if None.
    """
    kept = np.ones(examples.num_rows, dtype=bool) if among is None else among
    if most is not None and most < kept.sum():
        kept = _drawn(examples, most, together, kept)
    return examples if kept.all() else examples.filter(pa.array(kept))


def numbered(column: pa.ChunkedArray) -> np.ndarray:
    """Return a number for each value of a column, equal ones for equal values."""
    numbers: np.ndarray = column.combine_chunks().dictionary_encode().indices.to_numpy()
    return numbers


def first_groups(group: np.ndarray, order: np.ndarray, most: int) -> np.ndarray:
    """Return which examples are in the first groups of an order, bool [examples].

    As many groups as `most` examples allow; one even if it has more.
    """
    n_kept = np.searchsorted(np.cumsum(np.bincount(group)[order]), most, side="right")
    return np.isin(group, order[: max(1, int(n_kept))])


def rows_of(examples: pa.Table, numbers: Sequence[int] | np.ndarray) -> list[Row]:
    """Return examples by number. `Table.take` would first copy a table of several chunks."""
    rows: list[Row] = pa.concat_tables([examples.slice(int(i), 1) for i in numbers]).to_pylist()
    return rows


def training_batches(
    lengths: np.ndarray, batch_size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield the example numbers of each batch, epoch after epoch, without an end.

    Every epoch shuffles all examples, sorts pools of them by length, cuts batches and
    shuffles those. All batches but one per epoch have batch_size examples.
    """
    while True:
        order = rng.permutation(len(lengths))
        pools = np.array_split(order, range(POOL * batch_size, len(order), POOL * batch_size))
        ordered = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
        batches = np.array_split(ordered, range(batch_size, len(ordered), batch_size))
        for i in rng.permutation(len(batches)):
            yield batches[i]


def evaluation_batches(examples: pa.Table) -> Iterator[np.ndarray]:
    """Yield example numbers, shortest examples first, within a budget of padded tokens."""
    lengths = examples["length"].to_numpy()  # of the longest sequence of each example
    counts = pc.list_value_length(examples["input_ids"]).to_numpy()  # of its sequences
    batch: list[int] = []
    n_sequences = 0
    for i in np.argsort(lengths, kind="stable"):
        if batch and (n_sequences + counts[i]) * lengths[i] > EVALUATION_TOKENS:
            yield np.array(batch)
            batch, n_sequences = [], 0
        batch.append(int(i))
        n_sequences += int(counts[i])
    if batch:
        yield np.array(batch)


def collate(form: Form, rows: Sequence[Row], pad_id: int) -> tuple[Tensors, Tensors]:
    """Return the encoder's inputs, [sequences, longest], and the head's targets.

    There is no attention mask when nothing is padded.
    """
    ids = [sequence for row in rows for sequence in row["input_ids"]]
    inputs = {"input_ids": _padded(ids, pad_id)}
    if "token_type_ids" in rows[0]:
        types = [sequence for row in rows for sequence in row["token_type_ids"]]
        inputs["token_type_ids"] = _padded(types, 0)
    if min(map(len, ids)) < max(map(len, ids)):
        inputs["attention_mask"] = _padded([[1] * len(sequence) for sequence in ids], 0)
    return inputs, form.targets(rows)


def _drawn(examples: pa.Table, most: int, together: str | None, among: np.ndarray) -> np.ndarray:
    """Return which examples are drawn: whole groups, as many as `most` examples allow."""
    places = np.flatnonzero(among)
    if together is None:
        group = np.arange(len(places))
    else:
        group = numbered(examples[together].filter(pa.array(among)))
    order = np.random.default_rng(0).permutation(group.max() + 1)
    drawn = np.zeros_like(among)
    drawn[places[first_groups(group, order, most)]] = True
    return drawn


def _padded(lists: list[list[int]], value: int) -> Tensor:
    padded = np.full((len(lists), max(map(len, lists))), value, dtype=np.int64)
    for row, numbers in zip(padded, lists, strict=True):
        row[: len(numbers)] = numbers
    return torch.from_numpy(padded)
