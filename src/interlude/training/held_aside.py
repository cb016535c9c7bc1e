"""Training examples that no training of a study sees, to measure each task of a mixture on."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa

from interlude.errors import InputError
from interlude.training.batches import first_groups, numbered

ONE_IN, MOST = 20, 500  # examples of a task


def hold_aside(
    task: str, examples: pa.Table, together: str | None = None
) -> tuple[pa.Table, pa.Table]:
    """Return the examples of a task to train on, and those held aside: 5 %, at most 500.

    These are the first by a hash of their ids, on which alone the choice depends, whatever is
    trained. together: a column; examples that share its value stay together, with the hash of the
    first of their ids in alphabetical order. InputError when it leaves nothing on one side.
    """
    group = np.arange(examples.num_rows) if together is None else numbered(examples[together])
    count = examples.num_rows // ONE_IN
    if count == 0 or group.max() == 0:
        raise InputError(
            f"task {task}: found {examples.num_rows} training examples, of which too few can be "
            f"held aside for the sampler dynamic. Allowed: {ONE_IN} or more, in two groups or more "
            "where some stay together."
        )
    aside = first_groups(group, _by_hash(examples["id"].to_pylist(), group), min(count, MOST))
    return examples.filter(pa.array(~aside)), examples.filter(pa.array(aside))


def _by_hash(ids: list[str], group: np.ndarray) -> np.ndarray:
    """Return the numbers of groups in the order of the hash of the first id of each."""
    first: dict[int, str] = {}
    for number, id in zip(group.tolist(), ids, strict=True):
        first[number] = min(id, first.get(number, id))
    return np.array(sorted(first, key=lambda number: sha256(first[number].encode()).digest()))
