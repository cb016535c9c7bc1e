"""The study of Weller et al. 2022 as a config, and its data-size experiment."""

from __future__ import annotations

from collections import Counter

import pytest
from helpers.shipped import study_of

from interlude.plan.planner import Plan, plan_of
from interlude.plan.settings import Settings
from interlude.plan.study import Study

SEEDS = [42, 544460, 801760, 428404, 257803]
GLUE = ["mnli", "qqp", "qnli", "sst-2", "cola", "sts-b-spearman", "mrpc", "rte", "wnli"]
# Examples of QNLI; the target's share of them, and the supporting task's of the target's.
WHOLE = 104_743
SHARES = {"": 1.0, "-half": 0.5, "-third": 0.33}
RATIOS = [0.33, 0.5, 1.0, 2.0, 3.0]


@pytest.fixture(scope="module")
def study() -> Study:
    return study_of("weller2022")


@pytest.fixture(scope="module")
def plan(study: Study) -> Plan:
    return plan_of(study)


def test_945_scores_are_read_from_600_trainings(plan: Plan) -> None:
    assert Counter((cell.arm, cell.role) for cell in plan.cells) == {
        ("single", "target"): 45,
        ("stilts", "intermediate"): 45,
        ("stilts", "target"): 360,
        ("mtl", "target"): 360,
        ("mtl-all-size", "target"): 45,
        ("mtl-all-uniform", "target"): 45,
        ("mtl-all-dynamic", "target"): 45,
    }
    assert len(plan.cells) == 945
    assert len(plan.trainings) == 45 + 360 + 180 + 15


def test_36_pairs_of_tasks_serve_72_cells_a_restart(plan: Plan) -> None:
    read = Counter(c.training for c in plan.cells if (c.arm, c.restart) == ("mtl", 1))
    assert set(read.values()) == {2}
    assert len(read) == 36


def test_dynamic_sampling_compares_with_the_single_arm_on_rows_that_no_arm_trains_on(
    plan: Plan,
) -> None:
    alone = {(c.task, c.restart): c.training for c in plan.cells if c.arm == "single"}
    dynamic = {(c.training, c.restart) for c in plan.cells if c.arm == "mtl-all-dynamic"}
    for id, restart in dynamic:
        assert plan.trainings[id].references == tuple(alone[task, restart] for task in sorted(GLUE))
    assert all(part.held_aside for each in plan.trainings.values() for part in each.parts)


def test_stilts_starts_from_the_training_of_the_single_arm_and_takes_its_head_over(
    plan: Plan,
) -> None:
    alone = {(c.task, c.restart): c.training for c in plan.cells if c.arm == "single"}
    chained = [c for c in plan.cells if c.arm == "stilts" and c.role == "target"]
    for cell in chained:
        training = plan.trainings[cell.training]
        assert training.start == alone[cell.source, cell.restart]
        assert training.carry_head
    assert len(chained) == 9 * 8 * 5


@pytest.mark.parametrize("name", ["weller2022", "weller2022-sizes"])
def test_tasks_that_are_trained_together_share_a_head_for_each_number_of_labels(name: str) -> None:
    trainings = plan_of(study_of(name)).trainings.values()
    assert {each.heads for each in trainings if len(each.parts) > 1} == {"by-labels"}


def test_tasks_metrics_and_settings_are_those_of_the_paper(study: Study) -> None:
    metrics = {name: task.metric for name, task in study.tasks.items()}
    assert metrics == dict.fromkeys(GLUE, "accuracy") | {
        "cola": "matthews",
        "mrpc": "accuracy_f1",
        "qqp": "accuracy_f1",
        "sts-b-spearman": "spearman",
    }
    assert list(metrics) == GLUE  # the order of the paper's first figure
    wanted = Settings(
        epochs=10,
        batch_size=128,
        learning_rate=2e-5,
        weight_decay=0,
        warmup=0,
        gradient_clip=1.0,
        max_length=128,
        evaluations=20,
    )
    for role in ("intermediate", "target"):
        assert {study.settings(role, task) for task in (*GLUE, None)} == {wanted}
        assert not any(study.standardises(role, task) for task in GLUE)
        assert [study.seed(role, restart) for restart in range(1, 6)] == SEEDS
    assert (study.model.name, study.config.encoder.layers) == ("distilroberta-base", None)


@pytest.mark.parametrize("panel", SHARES)
def test_a_panel_of_sizes_has_five_ratios_of_its_target(panel: str) -> None:
    names = dict.fromkeys(["weller2022-sizes", f"weller2022-sizes{panel}"])
    plan = plan_of(study_of(*names))
    target = int(WHOLE * SHARES[panel])
    for arm, stage in (("stilts", "start"), ("mtl", "own")):
        cells = [c for c in plan.cells if (c.arm, c.role, c.restart) == (arm, "target", 1)]
        trainings = [plan.trainings[c.training] for c in cells]
        if stage == "start":
            trainings = [plan.trainings[t.start or ""] for t in trainings]
        seen = [p.examples for t in trainings for p in t.parts if p.task == "mnli"]
        assert sorted(seen, key=int) == [int(WHOLE * SHARES[panel] * r) for r in RATIOS]
    seen = {p.examples for t in plan.trainings.values() for p in t.parts if p.task == "qnli"}
    assert seen == {None if target == WHOLE else target}
    assert len(plan.cells) == len(plan.trainings) == 5 * (1 + 5 + 5 + 5)


def test_the_size_experiment_has_the_settings_and_seeds_of_the_study(study: Study) -> None:
    sizes = study_of("weller2022-sizes")
    for role in ("intermediate", "target"):
        assert {sizes.settings(role, task) for task in ("mnli", "qnli", None)} == {
            study.settings(role, None)
        }
    assert sizes.config.seeds == study.config.seeds


def test_panels_share_the_trainings_that_they_have_in_common() -> None:
    plans = [
        plan_of(study_of(*dict.fromkeys(["weller2022-sizes", f"weller2022-sizes{panel}"])))
        for panel in SHARES
    ]
    # MNLI at 34,565, 52,371 and 104,743 in two panels, at 17,282 in two; 5 restarts each.
    assert len({id for plan in plans for id in plan.trainings}) == 3 * 80 - 4 * 5
