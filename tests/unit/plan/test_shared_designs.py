"""What a second study saves: counted by ids, and as docs/run.md says."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
import yaml
from helpers.project import ROOT

from interlude.plan.planner import Plan, plan_of
from interlude.plan.shared_designs import DESIGNS, as_markdown, plan_of_design, plans
from interlude.plan.study import load_study

PRUKSACHATKUN, CHANG, POTH, WELLER, DYNAMIC = DESIGNS
PUBLISHED = ("pruksachatkun2020", "chang2021", "poth2021", "weller2022")


@pytest.fixture(scope="module")
def planned() -> dict[str, Plan]:
    return plans(ROOT)


def common(first: Plan, second: Plan) -> int:
    return len(first.trainings.keys() & second.trainings.keys())


def test_the_page_has_the_table_of_today(planned: dict[str, Plan]) -> None:
    assert as_markdown(planned) in (ROOT / "docs/run.md").read_text(encoding="utf8")


def test_what_is_shared_is_what_one_counts_by_hand(planned: dict[str, Plan]) -> None:
    # 3 restarts of 4 sources and of 3 targets alone, of which one is a source as well.
    assert common(planned[PRUKSACHATKUN], planned[WELLER]) == 3 * (4 + 3 - 1)
    # Its one start of each source, the targets alone at one point, and from each start a target at
    # this point and the first restart.
    assert common(planned[PRUKSACHATKUN], planned[CHANG]) == (4 - 1) + 3 * 3 + 4 * 3
    assert common(planned[WELLER], planned[CHANG]) == (4 - 1) + 3 * 3
    for name, plan in planned.items():
        if name != POTH:
            assert common(plan, planned[POTH]) == 0
        if name != DYNAMIC:
            assert common(plan, planned[DYNAMIC]) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [7, 8, 9]},
        {"training": {role: {"learning_rate": 3e-5} for role in ("intermediate", "target")}},
        {"encoder": {"layers": 3}},
        {"encoder": {"weights": "random"}},
        {"compute": {"precision": "fp32"}},
        {"compute": {"device": "cpu"}},
    ],
    ids=str,
)
def test_what_keeps_studies_from_sharing(changes: dict[str, Any], planned: dict[str, Plan]) -> None:
    other = plan_of_design(changes, ROOT)
    assert common(planned[PRUKSACHATKUN], other) == 0


def test_the_published_studies_have_no_training_in_common() -> None:
    configs = [
        yaml.safe_load((ROOT / f"config/studies/{name}.yaml").read_text()) for name in PUBLISHED
    ]
    plans = [plan_of(load_study(each, ROOT)) for each in configs]
    assert [common(*pair) for pair in combinations(plans, 2)] == [0] * 6
