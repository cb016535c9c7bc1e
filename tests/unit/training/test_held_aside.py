"""Which training examples are held aside, and what is measured on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case

from interlude.errors import InputError
from interlude.training.encoder import load_encoder
from interlude.training.held_aside import hold_aside
from interlude.training.loop import evaluate
from interlude.training.platform import Platform
from interlude.training.state import TaskModel

CPU = Platform(torch.device("cpu"), bf16=False)


def table(ids: list[str], **columns: list[str]) -> pa.Table:
    return pa.table({"id": ids, **columns})


def ids_of(examples: pa.Table) -> list[str]:
    ids: list[str] = examples["id"].to_pylist()
    return ids


@pytest.mark.parametrize(("count", "aside"), [(20, 1), (39, 1), (1000, 50), (20_000, 500)])
def test_five_per_cent_are_held_aside_and_500_at_most(count: int, aside: int) -> None:
    ids = [f"row-{number}" for number in range(count)]
    kept, held = hold_aside("task", table(ids))
    assert (kept.num_rows, held.num_rows) == (count - aside, aside)
    assert sorted([*ids_of(kept), *ids_of(held)]) == sorted(ids)


def test_the_ids_alone_decide(tmp_path: Path) -> None:
    ids = [f"row-{number}" for number in range(400)]
    held = ids_of(hold_aside("task", table(ids))[1])
    shuffled = list(np.random.default_rng(1).permutation(ids))
    assert set(ids_of(hold_aside("other", table(shuffled, label=shuffled))[1])) == set(held)
    assert held == [id for id in ids if id in held], "in their order"
    assert max(int(id.removeprefix("row-")) for id in held) > 300, "from all over"


def test_groups_stay_together_and_their_ids_alone_decide() -> None:
    ids = [f"row-{number}" for number in range(400)]
    questions = [f"question {number // 4}" for number in range(400)]
    kept, held = hold_aside("task", table(ids, question=questions), "question")
    assert held.num_rows == 20
    assert not set(kept["question"].to_pylist()) & set(held["question"].to_pylist())
    others = table(ids[::-1], question=[f"other {n // 4}" for n in range(400)])
    assert set(ids_of(hold_aside("task", others, "question")[1])) == set(ids_of(held))


def test_a_group_is_whole_even_if_it_is_larger() -> None:
    ids = [f"row-{number}" for number in range(30)]
    _, held = hold_aside("task", table(ids, question=["a"] * 15 + ["b"] * 15), "question")
    assert held.num_rows == 15


@pytest.mark.parametrize(("count", "groups"), [(19, 19), (0, 0), (40, 1)])
def test_too_few_examples_are_one_message(count: int, groups: int) -> None:
    questions = [f"{number % groups}" for number in range(count)]
    examples = table([f"{number}" for number in range(count)], question=questions)
    with pytest.raises(InputError, match=rf"task cb: found {count} training examples.*20 or more"):
        hold_aside("cb", examples, "question")


@pytest.mark.parametrize("examples", [None, 12])
def test_no_training_sees_them_whatever_it_sees(
    examples: int | None, encoded: dict[str, Path]
) -> None:
    for form in tiny.FORMS:
        data = Case(form, examples=examples, held_aside=True).data(encoded[form])
        assert data.held_aside is not None
        assert not set(ids_of(data.train)) & set(ids_of(data.held_aside))
        whole = Case(form, held_aside=True).data(encoded[form]).held_aside
        assert data.held_aside == whole
        assert Case(form).data(encoded[form]).held_aside is None


@pytest.mark.parametrize("select", ["best", "last"])
def test_the_kept_model_is_measured_on_them(
    select: str, model: Path, encoded: dict[str, Path]
) -> None:
    case = Case("tagging", tiny.settings(epochs=6, evaluations=6, select=select), held_aside=True)
    result = case.trained(model, encoded["tagging"])
    built, data = case.built(model, encoded["tagging"])
    again = TaskModel(load_encoder(model, None, 0.0), built.heads)
    again.encoder.load_state_dict(result.encoder or {})
    again.head.load_state_dict((result.heads or [{}])[0])
    scores, _ = evaluate(again, data.on_held_aside(), CPU)
    assert result.part.held_aside_score == next(iter(scores.values()))
