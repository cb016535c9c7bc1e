"""Which arms a study compares."""

from __future__ import annotations

from typing import Any

import pytest
from helpers import tiny

from interlude.plan.config import Config
from interlude.plan.contrasts import contrasts_of
from interlude.plan.declared import checked

ALONE = [{"parts": ["task"]}]
CHAIN = [{"parts": ["source"]}, {"parts": ["task"]}]
MIX = [{"parts": ["source", "task"]}]
ALL = [{"parts": ["all"]}]
LORA = {"name": "lora", "r": 2}
PUBLISHED = {"name": "bottleneck", "published": "a", "published_sha256": "0" * 64}


def compared(**changes: Any) -> list[tuple[str, str, bool, bool]]:
    """Arm, against, whether it has sources, whether it mixes what the other chains."""
    return [tuple(each)[:4] for each in contrasts_of(checked(Config, tiny.config(**changes), "c"))]


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        (None, [("stilts", "single", True, False)]),
        ({"alone": ALONE}, []),
        ({"chain": CHAIN, "mix": MIX}, []),
        (
            {"chain": CHAIN, "alone": ALONE, "everything": ALL},
            [("chain", "alone", True, False), ("everything", "alone", False, False)],
        ),
    ],
)
def test_every_arm_is_compared_with_the_task_alone(arms: Any, expected: Any) -> None:
    assert compared(arms=arms) == expected


def test_an_arm_of_random_weights_is_compared_with_its_like_and_that_with_the_pretrained() -> None:
    random = {"weights": "random"}
    arms = {
        "single": ALONE,
        "stilts": CHAIN,
        "single-random": [{**ALONE[0], **random}],
        "stilts-random": [{**CHAIN[0], **random}, CHAIN[1]],
    }
    assert against(arms) == {
        "stilts": ["single"],
        "single-random": ["single"],
        "stilts-random": ["single-random"],
    }
    assert against(arms, encoder={"model": "tiny", "weights": "random"}) == {
        "stilts": ["single"],
        "single-random": ["single"],
        "stilts-random": ["single"],  # all are random then
    }


def test_what_a_study_names_comes_after_that_and_once() -> None:
    arms = {"single": ALONE, "stilts": CHAIN, "mtl": MIX}
    named = [("mtl", "stilts"), ("mtl", "single")]
    contrasts = [{"arm": arm, "against": against} for arm, against in named]
    assert compared(arms=arms, contrasts=contrasts) == [
        ("stilts", "single", True, False),
        ("mtl", "single", True, False),
        ("mtl", "stilts", True, True),
    ]


def by(method: Any, stages: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """The stages, each with this method."""
    return [{**stage, "method": method, **more} for stage in stages]


def against(arms: Any, **changes: Any) -> dict[str, list[str]]:
    """Arm -> what it is compared with."""
    pairs: dict[str, list[str]] = {}
    for arm, other, *_ in compared(arms=arms, **changes):
        pairs.setdefault(arm, []).append(other)
    return pairs


def test_an_arm_is_compared_with_the_task_alone_by_the_same_method() -> None:
    arms = {
        "single": ALONE,
        "stilts": CHAIN,
        "stilts-lora": by(LORA, CHAIN),
        "single-lora": by(LORA, ALONE),
        "mix-wider": by({"name": "lora", "r": 4}, MIX),
    }
    assert against(arms) == {
        "stilts": ["single"],
        "stilts-lora": ["single-lora", "stilts"],
        "single-lora": ["single"],  # by another method, but alone as well
        "mix-wider": ["single"],  # no task alone of its rank
    }
    # Where the encoder says the method, arms that say none have it.
    encoder = {"model": "tiny", "method": LORA}
    assert against({**arms, "full": by("full", ALONE)}, encoder=encoder)["stilts-lora"] == [
        "single",
    ]


def test_the_head_alone_and_a_published_adapter_have_baselines_of_their_kind() -> None:
    frozen = [CHAIN[0], {**CHAIN[1], "frozen": True}]
    arms = {"single": ALONE, "head": [{**ALONE[0], "frozen": True}], "kept": frozen}
    assert against(arms) == {"head": ["single"], "kept": ["head"]}
    blocks = {
        "single": ALONE,
        "mnli": by(PUBLISHED, ALONE),
        "mnli-chain": by(PUBLISHED, CHAIN),
        "block": by("bottleneck", ALONE),
        "chain": by("bottleneck", CHAIN),
    }
    assert against({**blocks, "later": by(PUBLISHED, MIX)}) == {
        "mnli": ["single"],
        "mnli-chain": ["mnli"],
        "block": ["single"],
        "chain": ["block"],
        "later": ["mnli"],
    }
    moved = {"single": ALONE, "block": by("bottleneck", ALONE), "mnli": by(PUBLISHED, ALONE)}
    assert against(moved)["mnli"] == ["block"]


def test_a_baseline_with_the_same_learning_rate_goes_first() -> None:
    low, high = (
        [
            by(LORA, [{**stage, "learning_rate": rate} for stage in stages])
            for stages in (ALONE, CHAIN)
        ]
        for rate in (1e-4, 1e-3)
    )
    arms = {"single": ALONE, "low": low[0], "high": high[0], "chain": high[1]}
    assert against(arms)["chain"] == ["high"]
    del arms["high"]
    assert against(arms)["chain"] == ["low"]


def of_methods(arms: Any, **changes: Any) -> list[tuple[str, str]]:
    config = checked(Config, tiny.config(arms=arms, **changes), "c")
    return [(each.arm, each.against) for each in contrasts_of(config) if each.methods]


def test_arms_that_differ_in_the_method_alone_are_compared() -> None:
    lora, block = by(LORA, CHAIN, adapter="merge"), by("bottleneck", CHAIN)
    arms = {"lora": lora, "alone": ALONE, "full": CHAIN, "block": block, "mix": by(LORA, MIX)}
    assert of_methods(arms) == [("lora", "full"), ("block", "full")]
    named = [{"arm": "block", "against": "lora"}, {"arm": "mix", "against": "full"}]
    assert of_methods(arms, contrasts=named) == [
        *(("lora", "full"), ("block", "full"), ("block", "lora"))
    ]
    del arms["full"]
    assert of_methods(arms) == [("block", "lora")]
    arms["block"] = by("bottleneck", [{**stage, "learning_rate": 1e-3} for stage in CHAIN])
    assert of_methods(arms) == [("block", "lora")]


@pytest.mark.parametrize(
    "other",
    [
        [{"parts": ["source"], "retrain": False}, {"parts": ["task"]}],
        [CHAIN[0], {**CHAIN[1], "carry_head": True}],
        MIX,
        CHAIN,
    ],
)
def test_arms_that_differ_in_more_or_not_in_the_method_are_not(other: Any) -> None:
    method = "full" if other is CHAIN else LORA
    assert of_methods({"alone": ALONE, "full": CHAIN, "other": by(method, other)}) == []
    both = {"alone": ALONE, "single-lora": by(LORA, ALONE)}  # no source
    assert of_methods(both) == []
