"""Small studies on what comes from a package index: what they plan, and what they share."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from snakemake.utils import update_config

from interlude.plan.planner import Plan, check_mixtures, plan_of
from interlude.plan.study import load_study

ROOT = Path(__file__).parents[3]


def plan(*paths: str) -> Plan:
    """Return the plan of some configs, each over the ones before it."""
    planned = plan_of(load_study(read(*paths), ROOT, paths[-1]))
    check_mixtures(planned, paths[-1])
    return planned


def read(*paths: str) -> dict[str, Any]:
    """Return some configs as one, each over the ones before it."""
    told: dict[str, Any] = {}
    for path in paths:
        update_config(told, yaml.safe_load((ROOT / path).read_text()))
    return told


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


def test_each_encoder_of_masked_lm_is_measured_once_and_as_the_pretrained_one_is() -> None:
    config = "config.yaml", "config/studies/mlm-demo.yaml", "config/studies/forgetting-demo.yaml"
    own = plan(*config)
    heads = [each for each in own.trainings.values() if each.frozen]
    assert len(heads) == 3 * (3 + 3 + 1)  # sources of both arms, and the pretrained encoder
    assert len({replace(each, start=None, seed=0).id for each in heads}) == 1
    assert Counter(each.start is None for each in heads) == {True: 3, False: 18}
    intermediate = {each.training for each in own.cells if each.role == "intermediate"}
    assert {each.start for each in heads} - {None} == intermediate
    assert own.starts >= {each.id for each in heads}
    before = plan(*config[:2])
    assert intermediate <= before.trainings.keys()  # measured, not trained again


def test_only_a_study_with_such_a_stage_has_a_table_of_what_encoders_forget() -> None:
    def measures(*paths: str) -> bool:
        study = load_study(read(*paths), ROOT, paths[-1])
        return study.measures_forgetting and json.loads(study.options)["forgetting"]

    demos = ("config.yaml", "config/studies/mlm-demo.yaml")
    assert not measures(*demos)
    assert measures(*demos, "config/studies/forgetting-demo.yaml")


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


def test_adapters_are_set_beside_full_fine_tuning_each_with_its_own_baseline() -> None:
    own = plan("config/studies/adapters-demo.yaml")
    methods = ("", "-lora", "-bottleneck")
    assert Counter((cell.arm, cell.role) for cell in own.cells) == {
        (f"{arm}{method}", role): count
        for method in methods
        for arm, role, count in (
            ("single", "target", 3 * 3),
            ("stilts", "intermediate", 2 * 3),
            ("stilts", "target", 2 * 3 * 3),
        )
    }
    assert len(own.cells) == len(own.trainings) == 99
    found = Counter(training.method.name for training in own.trainings.values())
    assert found == {"full": 33, "lora": 33, "bottleneck": 33}
    told = yaml.safe_load((ROOT / "config/studies/adapters-demo.yaml").read_text())
    contrasts = load_study(told, ROOT, "adapters-demo.yaml").contrasts
    assert [(each.arm, each.against, each.methods) for each in contrasts] == [
        ("stilts", "single", False),
        ("single-lora", "single", False),
        ("stilts-lora", "single-lora", False),
        ("single-bottleneck", "single", False),
        ("stilts-bottleneck", "single-bottleneck", False),
        ("stilts-lora", "stilts", True),
        ("stilts-bottleneck", "stilts", True),
    ]


SPEED, EVALUATION, START_UP = 720, 3, 3.0  # tokens a second and core; times as fast; seconds


def test_the_adapters_demo_ends_within_25_minutes_on_two_slow_cores() -> None:
    """Tokens of each task are counted as in the default study, whose trainings are known."""
    tables = [
        pd.read_parquet(ROOT / f"docs/demo/{name}.parquet") for name in ("scores", "trainings")
    ]
    known = tables[0].merge(tables[1], on="training")
    settings = known["hyperparameters"].map(json.loads)
    epochs = settings.map(lambda of: of["epochs"]), settings.map(lambda of: of["evaluations"])
    seen = epochs[0] * known["train_examples"], epochs[1] * known["validation_examples"]
    trained = (known["tokens"] / seen[0]).groupby(known["task"]).mean()
    evaluated = (known["evaluation_tokens"] / seen[1]).groupby(known["task"]).mean()
    tokens = {"trained": 0.0, "evaluated": 0.0}
    trainings = plan("config/studies/adapters-demo.yaml").trainings.values()
    for each in trainings:
        (part,) = each.parts
        tokens["trained"] += trained[part.task] * part.examples * each.settings.epochs
        examples = each.settings.evaluations * each.settings.validation_examples
        tokens["evaluated"] += evaluated[part.task] * examples
    seconds = (tokens["trained"] + tokens["evaluated"] / EVALUATION) / SPEED
    minutes = (seconds + START_UP * len(trainings)) / 2 / 60
    assert minutes < 25
    told = (ROOT / "config/studies/adapters-demo.yaml").read_text()
    assert f"some {tokens['trained'] / 1e6:.1f} million tokens trained" in told
    assert f"{tokens['evaluated'] / 1e6:.1f} million evaluated" in told
    assert f"that is {minutes:.0f} minutes" in told
