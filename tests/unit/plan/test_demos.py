"""Small studies on what comes from a package index: what they plan, and what they share."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from snakemake.utils import update_config

from interlude.plan.planner import Plan, check_mixtures, plan_of
from interlude.plan.study import load_study

ROOT = Path(__file__).parents[3]


def plan(*paths: str) -> Plan:
    """Return the plan of some configs, each over the ones before it."""
    told: dict[str, Any] = {}
    for path in paths:
        update_config(told, yaml.safe_load((ROOT / path).read_text()))
    planned = plan_of(load_study(told, ROOT, paths[-1]))
    check_mixtures(planned, paths[-1])
    return planned


def test_masked_lm_is_set_beside_the_default_study_and_shares_its_trainings() -> None:
    own = plan("config.yaml", "config/studies/mlm-demo.yaml")
    assert Counter((cell.arm, cell.role) for cell in own.cells) == {
        ("single", "target"): 9,
        ("stilts", "intermediate"): 9,
        ("stilts", "target"): 27,
        ("mlm", "intermediate"): 9,
        ("mlm", "target"): 27,
    }
    assert len(own.cells) == len(own.trainings) == 81
    assert len(own.trainings.keys() & plan("config.yaml").trainings.keys()) == 45


def test_mixing_and_chaining_share_the_trainings_of_each_task_alone() -> None:
    own = plan("config/studies/multitask-demo.yaml")
    cells = Counter((cell.arm, cell.role) for cell in own.cells)
    assert cells["single", "target"] == cells["stilts", "intermediate"] == 9
    assert cells["stilts", "target"] == cells["mtl", "target"] == 18
    assert sum(cells.values()) == 81
    alone = {cell.training for cell in own.cells if cell.arm == "single"}
    assert alone == {cell.training for cell in own.cells if cell.role == "intermediate"}
    assert len(own.trainings) == 9 + 18 + 9 + 3 * 3


def test_the_study_of_the_page_on_mixing_is_planned() -> None:
    page = (ROOT / "docs/mix-or-chain.md").read_text(encoding="utf8")
    told = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    study = load_study(told, ROOT, "mine.yaml")
    last = study.contrasts[-1]
    assert (last.arm, last.against, last.mixing) == ("mtl", "stilts", True)
    assert len(plan_of(study).trainings) == 10 + 10 + 5 + 5


def test_the_rehearsal_of_weller_has_the_whole_design_in_two_restarts() -> None:
    own = plan("config/studies/weller2022.yaml", "config/studies/weller2022-rehearsal.yaml")
    assert (len(own.cells), len(own.trainings)) == (945 * 2 // 5, 600 * 2 // 5)
