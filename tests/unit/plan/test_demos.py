"""Small studies on what comes from a package index: what they plan, and what they share."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from interlude.plan.planner import Plan, check_mixtures, plan_of
from interlude.plan.selection import selected
from interlude.plan.study import load_study
from interlude.plan.trainings import Training

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


MLM, FORGETTING = (f"config/studies/{name}-demo.yaml" for name in ("mlm", "forgetting"))


def test_masked_lm_is_set_beside_the_intermediate_task_alone() -> None:
    own = plan(MLM)
    assert Counter((cell.arm, cell.role) for cell in own.cells) == {
        ("single", "target"): 3,
        ("stilts", "intermediate"): 6,
        ("stilts", "target"): 6,
        ("mlm", "intermediate"): 6,
        ("mlm", "target"): 6,
    }
    assert len(own.cells) == len(own.trainings) == 27


def test_each_encoder_of_masked_lm_is_measured_once_and_as_the_pretrained_one_is() -> None:
    own = plan(MLM, FORGETTING)
    heads = [each for each in own.trainings.values() if each.frozen]
    assert len(heads) == 3 * (2 + 2 + 1)  # sources of both arms, and the pretrained encoder
    assert len({replace(each, start=None, seed=0).id for each in heads}) == 1
    assert Counter(each.start is None for each in heads) == {True: 3, False: 12}
    intermediate = {each.training for each in own.cells if each.role == "intermediate"}
    assert {each.start for each in heads} - {None} == intermediate
    assert own.starts >= {each.id for each in heads}
    assert intermediate <= plan(MLM).trainings.keys()  # measured, not trained again


def test_only_a_study_with_such_a_stage_has_a_table_of_what_encoders_forget() -> None:
    def measures(*paths: str) -> bool:
        study = load_study(read(*paths), ROOT, paths[-1])
        return study.measures_forgetting and json.loads(study.options)["forgetting"]

    assert not measures(MLM)
    assert measures(MLM, FORGETTING)


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
            ("stilts", "intermediate", 3 * 3),  # the trainings of each task alone
            ("stilts", "target", 3 * 2 * 3),
        )
    }
    found = Counter(training.method.name for training in own.trainings.values())
    assert found == {"full": 27, "lora": 27, "bottleneck": 27}
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
GENERATED = {"synthesis-smollm2": (320, 100)}  # examples of train and validation, in its task file
PROMPT = 1.4  # seconds of a core for the endings of one
ASIDE = {"sarcasm": 500, "privacy-qa": 381, "finance-ner": 40}  # 5 % of their training rows
DEFAULT = "config.yaml"  # with 4 minutes for the set-up and what comes before and after
ADAPTERS, MULTITASK = (f"config/studies/{name}-demo.yaml" for name in ("adapters", "multitask"))


@pytest.mark.parametrize(
    ("paths", "most"),
    [
        ((DEFAULT,), 11),
        *(((each,), 25) for each in (ADAPTERS, MULTITASK, MLM)),
        ((MLM, FORGETTING), 25),
    ],
)
def test_a_small_study_ends_in_time_on_two_slow_cores(paths: tuple[str, ...], most: int) -> None:
    trainings = plan(*paths).trainings.values()
    costs = [tokens(each) for each in trainings]
    trained, evaluated = (sum(each) for each in zip(*costs, strict=True))
    seconds = (trained + evaluated / EVALUATION) / SPEED
    minutes = (seconds + START_UP * len(trainings)) / 2 / 60
    assert minutes < most
    said = (ROOT / paths[-1]).read_text().replace("\n#", "")
    assert f"some {trained / 1e6:.1f} million tokens trained" in said
    assert f"{evaluated / 1e6:.1f} million evaluated" in said
    assert f"that is {minutes:.0f} minutes" in said


def tokens(training: Training) -> tuple[float, float]:
    """Return the tokens that a training trains on and evaluates.

    A frozen encoder is only passed forward, which takes as long as an evaluation.
    """
    settings = training.settings
    trained, evaluated = ({task: of[part] for task, of in LENGTHS.items()} for part in (0, 1))
    parts = [part.texts[0] if part.texts else part for part in training.parts]
    examples = [part.examples or GENERATED[part.task][0] for part in parts]
    if training.sampler == "uniform":
        examples = [min(examples)] * len(parts)
    if training.sampler == "dynamic":  # the second epoch has about as many of each
        examples = [round((n + sum(examples) / len(parts)) / 2) for n in examples]
    epochs = settings.epochs
    if settings.steps is not None:
        epochs = settings.steps * settings.batch_size / sum(examples)
    seen = sum(trained[p.task] * n * epochs for p, n in zip(parts, examples, strict=True))
    rows = settings.validation_examples
    measured = sum(
        evaluated[part.task] * min(rows, GENERATED.get(part.task, (0, rows))[1]) for part in parts
    )
    aside = sum(trained[part.task] * ASIDE[part.task] for part in parts if part.held_aside)
    between = (epochs - 1) * aside if training.sampler == "dynamic" else 0
    evaluated_tokens = settings.evaluations * (measured + aside) + between
    return (seen / EVALUATION if training.frozen else seen), evaluated_tokens


# Tokens of an example of each task, of train and of validation, as trainings have recorded them.
LENGTHS = {
    "commonsense-qa-dev": (118.7, 120.5),
    "disfl-qa": (148.8, 149.1),
    "finance-ner": (37.7, 37.0),
    "privacy-qa": (47.1, 46.6),
    "probe-bigram-shift": (24.1, 23.9),
    "probe-coordination-inversion": (24.1, 23.9),  # sentences of the same kind
    "probe-sentence-length": (22.4, 23.3),
    "probe-word-content": (25.3, 26.1),
    "sarcasm": (14.6, 14.7),
    "social-iqa-dev": (90.4, 92.6),
    "social-iqa-dev-p": (20.4, 21.5),
    "social-iqa-dev-shuffled": (90.4, 92.6),
    "synthesis-smollm2": (139.5, 140.8),
}


SELECTION = "config/studies/selection-demo.yaml"


def test_the_selection_demo_shares_what_the_default_study_trains() -> None:
    own = plan(SELECTION)
    assert Counter((cell.arm, cell.role) for cell in own.cells) == {
        ("single", "target"): 4 * 2,
        ("stilts", "intermediate"): 6 * 2,
        ("stilts", "target"): (6 * 4 - 4) * 2,
    }
    shared = own.trainings.keys() & plan(DEFAULT).trainings.keys()
    assert len(shared) == (3 + 2 + 3 * 2) * 2  # sources, targets alone, and targets from sources


def test_tasks_of_the_selection_demo_are_trained_as_where_they_are_known_to_learn() -> None:
    def settings(path: str) -> dict[str, object]:
        trainings = plan(path).trainings.values()
        return {each.part.task: (each.settings, each.parts) for each in trainings}

    assert settings(SELECTION) == settings(DEFAULT)


def test_the_selection_demo_ends_within_25_minutes_on_two_slow_cores() -> None:
    """Alone; an extraction passes its examples forward or, of the Fisher information, both ways."""
    study = load_study(read(SELECTION), ROOT, SELECTION)
    own = plan_of(study)
    extractions = selected(study, own).extractions.values()
    costs = [tokens(each) for each in own.trainings.values()]
    trained, evaluated = (sum(each) for each in zip(*costs, strict=True))
    share = {"features": 1 / EVALUATION, "fisher": 1, "vocabulary": 0}
    extracted = sum(
        LENGTHS[each.part.task][0] * (each.part.examples or 0) * share[each.kind]
        for each in extractions
    )
    seconds = (trained + evaluated / EVALUATION + extracted) / SPEED
    minutes = (seconds + START_UP * (len(costs) + len(extractions))) / 2 / 60
    assert minutes < 25
    said = (ROOT / SELECTION).read_text().replace("\n#", "")
    assert f"some {trained / 1e6:.1f} million tokens trained" in said
    assert f"that is {minutes:.0f} minutes" in said


def test_the_synthetic_demo_ends_within_25_minutes_on_two_slow_cores() -> None:
    """Its texts are made by one process; the other core trains what needs none of them."""
    path = "config/studies/synthetic-demo.yaml"
    trainings = plan(path).trainings.values()
    trained, evaluated = (sum(each) for each in zip(*map(tokens, trainings), strict=True))
    seconds = (trained + evaluated / EVALUATION) / SPEED + START_UP * len(trainings)
    prompts = sum(GENERATED["synthesis-smollm2"])
    assert (seconds + PROMPT * prompts) / 2 / 60 < 25
    said = (ROOT / path).read_text().replace("\n#", "")
    assert f"some {trained / 1e6:.1f} million tokens trained" in said
    assert f"{evaluated / 1e6:.1f} million evaluated" in said
    assert f"that is {seconds / 2 / 60:.0f} minutes" in said
    assert PROMPT * prompts / 60 == pytest.approx(10, abs=0.5)  # as it says


def test_the_examples_of_the_made_task_are_those_of_its_file() -> None:
    for name, sizes in GENERATED.items():
        told = read(f"config/tasks/{name}.yaml")["source"]["generated"]
        assert (told["train"], told["validation"]) == sizes


def test_the_synthetic_demo_has_eight_trials_of_five_starts_each_trained_once() -> None:
    own = plan("config/studies/synthetic-demo.yaml")
    real = ["social-iqa-dev", "social-iqa-dev-p", "social-iqa-dev-shuffled"]
    targets = Counter(cell.source for cell in own.cells if cell.role == "target")
    assert targets == dict.fromkeys(["none", "synthesis-smollm2", *real], 2 * 8)
    assert sum(cell.role == "intermediate" for cell in own.cells) == 4
    assert len(own.trainings) == 5 * 2 * 8 + 4
