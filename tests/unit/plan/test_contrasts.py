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


def compared(**changes: Any) -> list[tuple[str, str, bool, bool]]:
    """Arm, against, whether it has sources, whether it mixes what the other chains."""
    return [tuple(each) for each in contrasts_of(checked(Config, tiny.config(**changes), "c"))]


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


def test_what_a_study_names_comes_after_that_and_once() -> None:
    arms = {"single": ALONE, "stilts": CHAIN, "mtl": MIX}
    named = [("mtl", "stilts"), ("mtl", "single")]
    contrasts = [{"arm": arm, "against": against} for arm, against in named]
    assert compared(arms=arms, contrasts=contrasts) == [
        ("stilts", "single", True, False),
        ("mtl", "single", True, False),
        ("mtl", "stilts", True, True),
    ]
