"""The id of a training: what changes it, and what does not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from helpers import tiny

from interlude.plan.trainings import Choice, Part, Training

ONE = tiny.training("single")
NUMBERS = tiny.training("regression")
STANDARDISED = replace(NUMBERS, parts=(replace(NUMBERS.part, standardise=True),))
TWO = replace(ONE, parts=(*ONE.parts, *tiny.training("pair").parts), sampler="uniform")
CHOICE = Choice(("a", "b"), ("learning_rate",), "{}")


def test_ids_never_change() -> None:
    # Each is the name of a folder with results that somebody has paid for.
    assert ONE.id == "400d77823db8b703"
    assert NUMBERS.id == "f30cb1f3b3e42120"
    assert replace(TWO, start="1" * 16, choice=CHOICE).id == "09a1c004dede4844"


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"declared": "other"},
        {"layers": 1},
        {"settings": tiny.settings(weight_decay=0.02)},
        {"seed": 6},
        {"device": "cuda"},
        {"precision": "bf16"},
        {"start": "0" * 16},
        {"sampler": "size"},
        {"choice": CHOICE},
        {"frozen": True},
        {"weights": "random"},
        {"parts": TWO.parts},
        {"parts": (replace(ONE.part, metric="matthews"),)},
        {"parts": (replace(ONE.part, declared="other"),)},
        {"parts": (replace(ONE.part, examples=8),)},
        {"parts": (replace(ONE.part, standardise=True),)},
        {"parts": (replace(ONE.part, held_aside=True),)},
        {"heads": "by-labels"},
        {"references": ("0" * 16, "1" * 16)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_can_change_the_weights_changes_the_id(changes: dict[str, Any]) -> None:
    assert replace(ONE, **changes).id != ONE.id


def test_a_mixture_is_the_same_in_any_order_of_its_parts() -> None:
    assert replace(TWO, parts=TWO.parts[::-1]).id == TWO.id


@pytest.mark.parametrize(
    "training",
    [
        ONE,
        TWO,
        STANDARDISED,
        replace(ONE, start="0" * 16, choice=CHOICE),
        replace(ONE, weights="random"),
        replace(TWO, parts=(replace(ONE.part, held_aside=True),), references=("0" * 16,)),
    ],
)
def test_a_training_survives_json(training: Training) -> None:
    again = Training.from_json(training.to_json())
    assert again == training
    assert again.id == training.id


def test_an_unknown_or_a_missing_field_is_refused() -> None:
    document = json.loads(ONE.to_json())
    lacking = [{k: v for k, v in document.items() if k != name} for name in document]
    for broken in (document | {"extra": 1}, *lacking):
        with pytest.raises(TypeError):
            Training.from_json(json.dumps(broken))


def test_a_field_that_came_later_changes_no_id_while_it_has_its_default() -> None:
    told = json.loads(ONE.to_json())
    assert not {"start", "sampler", "choice", "heads", "references", "weights"} & told.keys()
    assert not {"standardise", "held_aside"} & told["parts"][0].keys()


def test_switches_are_what_a_training_does_beside() -> None:
    aside = replace(ONE.part, held_aside=True)
    masked = Part("mlm", "mlm", "masked_accuracy", "", texts=(aside,))
    assert ONE.switches == TWO.switches == frozenset()
    assert replace(ONE, parts=(aside,)).switches == {"held_aside"}
    assert replace(ONE, parts=(masked,)).switches == {"held_aside"}
    assert replace(TWO, heads="by-labels").switches == {"shared_heads"}
    assert replace(ONE, carry_head=True).switches == frozenset()  # nothing to carry
    assert replace(ONE, carry_head=True, start="0" * 16).switches == {"carried_heads"}


def test_chosen_settings_go_over_its_own_and_the_id_stays_that_of_the_plan() -> None:
    swept = replace(ONE, choice=CHOICE)
    settled = swept.settled({"learning_rate": 0.5})
    assert settled.settings == replace(ONE.settings, learning_rate=0.5)
    assert settled.id == swept.id
    with pytest.raises(TypeError):
        swept.settled({"lerning_rate": 0.5})


def test_parts_are_sorted_by_task() -> None:
    parts = (Part("b", "single", "accuracy", "d"), Part("a", "pair", "matthews", "d"))
    assert [part.task for part in replace(ONE, parts=parts).parts] == ["a", "b"]
