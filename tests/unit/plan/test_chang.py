"""The study of Chang and Lu 2021 as a config: its design, number by number."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from interlude.plan.planner import Plan, plan_of
from interlude.plan.study import load_study

ROOT = Path(__file__).parents[3]
FILE = "config/studies/chang2021.yaml"
# epochs, max_length: section 3 of the facts, after the scripts of the release.
TARGETS = {
    **{"rte": (5, 100), "mednli": (5, 80), "wic-pair": (5, 70), "cola": (5, 50)},
    **{"social-iqa": (3, 70), "winogrande-xs": (10, 50), "winogrande-m": (5, 50)},
}
SOURCES = {  # epochs, batch size, max_length
    **{"hellaswag": (3, 8, 120), "hellaswag-p": (3, 16, 50), "synthesis-gpt2": (2, 16, 60)},
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    document = yaml.safe_load((ROOT / FILE).read_text(encoding="utf8"))
    return plan_of(load_study(document, ROOT, FILE))


def test_it_plans_three_sources_and_36_trials_of_each_start_and_target(plan: Plan) -> None:
    assert len(plan.trainings) == len(plan.cells) == 3 + 4 * 7 * 36 == 1011
    targets = [cell for cell in plan.cells if cell.role == "target"]
    trials: dict[tuple[str, str], set[tuple[int | None, int | None]]] = defaultdict(set)
    for cell in targets:
        trials[cell.source, cell.task].add((cell.restart, cell.point))
    assert {source for source, _ in trials} == {"none", *SOURCES}
    assert {task for _, task in trials} == set(TARGETS)
    assert {len(each) for each in trials.values()} == {36}


def test_sizes_are_planned_over_it(plan: Plan) -> None:
    document = yaml.safe_load((ROOT / FILE).read_text(encoding="utf8"))
    over = "config/studies/chang2021-sizes.yaml"
    update_config(document, yaml.safe_load((ROOT / over).read_text(encoding="utf8")))
    sized = plan_of(load_study(document, ROOT, over))
    assert len(sized.trainings) == 1011 + (9 + 9 * 7 * 36) + 4 * 11 * 36 == 4872
    assert set(plan.trainings) < set(sized.trainings)
    sizes = {
        source: sorted({c.examples for c in sized.cells if c.source == source and c.examples})
        for source in SOURCES
    }
    to_all = [2000, 5000, 10_000, 20_000, 30_000]  # synthesis-gpt2 has 30,000
    assert sizes == {"hellaswag": [], "hellaswag-p": to_all, "synthesis-gpt2": to_all[:-1]}


def test_trainings_are_those_of_the_release(plan: Plan) -> None:
    for cell in plan.cells:
        training = plan.trainings[cell.training]
        settings = training.settings
        assert (settings.select, settings.weight_decay) == ("last", 0)
        if cell.role == "intermediate":
            told = (settings.epochs, settings.batch_size, settings.max_length)
            assert told == SOURCES[cell.task]
            assert (settings.learning_rate, settings.warmup, training.seed) == (1e-5, 0.1, 42)
        else:
            assert (settings.epochs, settings.max_length) == TARGETS[cell.task]
            assert training.seed == {1: 12, 2: 42}[cell.restart]
            assert settings.learning_rate in (5e-6, 1e-5, 2e-5)
            assert settings.batch_size in (8, 16, 32)
            assert settings.warmup in (0, 0.2)
