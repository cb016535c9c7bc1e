"""Batches: each example once, little padding, and inputs that keep what they hold."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny

from interlude.encode.read import read_encoded
from interlude.forms import form_of
from interlude.training import batches
from interlude.training.batches import (
    collate,
    evaluation_batches,
    rows_of,
    subset,
    training_batches,
)

LENGTHS = np.random.default_rng(8).integers(3, 200, size=1000)


def epoch(n_examples: int, batch_size: int, skipped: int = 0, seed: int = 1) -> list[np.ndarray]:
    """Return the batches of one epoch, after some skipped epochs."""
    per_epoch = -(-n_examples // batch_size)
    drawn = training_batches(LENGTHS[:n_examples], batch_size, np.random.default_rng(seed))
    return list(islice(drawn, skipped * per_epoch, (skipped + 1) * per_epoch))


@pytest.mark.parametrize("batch_size", [1, 4, 7])
@pytest.mark.parametrize("n_examples", [1, 3, 4, 128, 129, 300, 1000])
def test_an_epoch_has_every_example_once(n_examples: int, batch_size: int) -> None:
    for skipped in (0, 1):
        found = epoch(n_examples, batch_size, skipped)
        assert sorted(np.concatenate(found)) == list(range(n_examples))
        full = [batch for batch in found if len(batch) == batch_size]
        assert len(full) == n_examples // batch_size


def test_epochs_differ_and_are_repeatable() -> None:
    first, second = epoch(300, 4), epoch(300, 4, skipped=1)
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in epoch(300, 4)]
    other = epoch(300, 4, seed=2)
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in other]


def padding(found: list[np.ndarray]) -> float:
    """Return tokens with padding over tokens without."""
    padded = sum(len(batch) * LENGTHS[batch].max() for batch in found)
    return float(padded / sum(LENGTHS[batch].sum() for batch in found))


def test_examples_of_like_length_share_a_batch() -> None:
    shuffled = np.array_split(np.random.default_rng(0).permutation(1000), 125)
    assert padding(shuffled) > 1.6
    assert padding(epoch(1000, 8)) < 1.1


def test_batches_are_not_in_order_of_length() -> None:
    longest = [int(LENGTHS[batch].max()) for batch in epoch(250, 8)]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.5


def test_subset_takes_the_same_examples_in_their_order() -> None:
    table = pa.table({"id": list(range(50))})
    chosen = subset(table, 20)["id"].to_pylist()
    assert chosen == subset(table, 20)["id"].to_pylist() == sorted(set(chosen))
    assert len(chosen) == 20
    assert max(chosen) > 20  # not simply the first ones


@pytest.mark.parametrize(("most", "kept"), [(1, 5), (5, 5), (9, 5), (10, 10), (49, 45), (50, 50)])
def test_subset_keeps_groups_together_and_at_least_one(most: int, kept: int) -> None:
    groups = [f"group {i % 10}" for i in range(50)]
    table = pa.concat_tables([pa.table({"id": [i], "group": [g]}) for i, g in enumerate(groups)])
    chosen = subset(table, most, "group").to_pylist()
    assert len(chosen) == kept
    names = {row["group"] for row in chosen}
    assert [row["id"] for row in chosen] == [i for i in range(50) if groups[i] in names]
    assert chosen == subset(table, most, "group").to_pylist()


def test_subset_of_groups_is_not_simply_the_first_ones() -> None:
    table = pa.table({"group": [f"group {i // 5}" for i in range(50)]})
    assert set(subset(table, 25, "group")["group"].to_pylist()) != {f"group {i}" for i in range(5)}


@pytest.mark.parametrize("together", [None, "group"])
@pytest.mark.parametrize("most", [None, 1, 12, 49])
def test_subset_among_some_examples_is_that_of_a_table_of_them(
    most: int | None, together: str | None
) -> None:
    table = pa.table({"id": list(range(50)), "group": [f"group {i % 9}" for i in range(50)]})
    among = np.arange(50) % 7 > 1
    alone = table.filter(pa.array(among))
    assert subset(table, most, together, among).equals(subset(alone, most, together))


def test_rows_by_number_are_in_the_asked_order_across_chunks() -> None:
    table = pa.concat_tables([pa.table({"id": [i], "ids": [[[i]]]}) for i in range(9)])
    assert rows_of(table, np.array([7, 0, 7])) == [{"id": i, "ids": [[i]]} for i in (7, 0, 7)]


@pytest.mark.parametrize("most", [None, 50, 51])
def test_subset_of_all_is_the_table_itself(most: int | None) -> None:
    table = pa.table({"id": list(range(50))})
    assert subset(table, most).equals(table)


def choice_examples(seed: int, count: int) -> pa.Table:
    """Return examples of 1 to 5 sequences whose lengths differ much."""
    rng = np.random.default_rng(seed)
    shapes = [rng.integers(3, rng.integers(4, 300), size=rng.integers(1, 6)) for _ in range(count)]
    ids = [[[1] * int(length) for length in shape] for shape in shapes]
    sizes = {"length": [max(s) for s in shapes], "tokens": [sum(s) for s in shapes]}
    choices = {"n_choices": [len(s) for s in shapes], "label": [0] * count}
    return pa.table({"input_ids": ids, **choices, **sizes})


@pytest.mark.parametrize("seed", range(3))
def test_evaluation_batches_have_every_example_once_within_the_budget(seed: int) -> None:
    examples = choice_examples(seed, 200)
    found = list(evaluation_batches(examples))
    assert sorted(np.concatenate(found)) == list(range(200))
    form = form_of("choice")([])
    padded = [collate(form, examples.take(b).to_pylist(), 0)[0]["input_ids"].numel() for b in found]
    assert max(padded) <= batches.EVALUATION_TOKENS
    assert len(found) < 2 * sum(padded) / batches.EVALUATION_TOKENS + 2  # and the budget is used


def test_an_example_above_the_budget_has_a_batch_of_its_own() -> None:
    lengths = [5000, 5, 6000]
    examples = pa.table({"input_ids": [[[1] * n] for n in lengths], "length": lengths})
    assert [batch.tolist() for batch in evaluation_batches(examples)] == [[1], [0], [2]]


@pytest.mark.parametrize("name", tiny.FORMS)
def test_collated_sequences_are_those_of_the_rows_padded_and_masked(
    name: str, encoded: dict[str, Path]
) -> None:
    rows: list[Any] = read_encoded(encoded[name] / "train.arrow").to_pylist()
    inputs, _ = collate(form_of(name)(tiny.LABELS[name]), rows, pad_id=77)
    sequences = [ids for row in rows for ids in row["input_ids"]]
    types = [ids for row in rows for ids in row["token_type_ids"]]
    longest = max(map(len, sequences))
    for i, (ids, kinds) in enumerate(zip(sequences, types, strict=True)):
        rest = longest - len(ids)
        assert inputs["input_ids"][i].tolist() == ids + [77] * rest
        assert inputs["token_type_ids"][i].tolist() == kinds + [0] * rest
        assert inputs["attention_mask"][i].tolist() == [1] * len(ids) + [0] * rest


def test_without_padding_there_is_no_mask() -> None:
    rows = [{"input_ids": [[1, 2, 3]], "label": 0}, {"input_ids": [[4, 5, 6]], "label": 1}]
    inputs, targets = collate(form_of("single")(["a", "b"]), rows, pad_id=0)
    assert list(inputs) == ["input_ids"]
    assert torch.equal(inputs["input_ids"], torch.tensor([[1, 2, 3], [4, 5, 6]]))
    assert torch.equal(targets["label"], torch.tensor([0, 1]))
