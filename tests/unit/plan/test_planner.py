"""From arms to cells and trainings: what is scored, what is trained, what is trained once."""

from __future__ import annotations

import itertools
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.plan.cells import Cell
from interlude.plan.methods import FULL, Lora
from interlude.plan.planner import Plan, check_mixtures, plan_of
from interlude.plan.settings import Settings
from interlude.plan.study import load_study
from interlude.plan.trainings import Part, Training
from interlude.words import KEY, ROLES

SINGLE = [{"parts": ["task"]}]
STILTS = [{"parts": ["source"]}, {"parts": ["task"]}]
MLM = [{"parts": ["source", "mlm"], "sampler": "proportional"}, {"parts": ["task"]}]
MTL = [{"parts": ["source", "task"], "sampler": "uniform"}]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder that declares as many tasks as any of the studies has."""
    root = tmp_path_factory.mktemp("registry")
    for name in [*names("i", 42), *names("t", 11), *names("p", 25)]:
        tiny.write_yaml(
            root / f"config/tasks/{name}.yaml", {**tiny.task_file("pair"), "name": name}
        )
    tiny.write_yaml(root / "config/models/tiny.yaml", tiny.model_file())
    return root


def names(role: str, count: int) -> list[str]:
    return [f"{role}{number}" for number in range(count)]


def planned(registry: Path, *counts: int, **changes: Any) -> Plan:
    """Return the plan of a study with so many intermediate, target and probing tasks."""
    roles = ("intermediate", "target", "probing")
    tasks = {role: names(role[0], count) for role, count in zip(roles, counts, strict=False)}
    config = {"study": "any", "encoder": {"model": "tiny"}, **tasks, **changes}
    return plan_of(load_study(config, registry))


def counts(plan: Plan) -> dict[tuple[str, str], int]:
    return dict(Counter((cell.arm, cell.role) for cell in plan.cells))


# The designs of the four papers


def test_pruksachatkun_has_1293_cells_each_a_training(registry: Path) -> None:
    plan = planned(registry, 11, 10, 25)
    assert counts(plan) == {
        ("stilts", "intermediate"): 11 * 3,
        ("single", "target"): 10 * 3,
        ("stilts", "target"): 11 * 10 * 3,
        ("single", "probing"): 25 * 3,
        ("stilts", "probing"): 11 * 25 * 3,
    }
    assert len(plan.cells) == 1293
    assert len(plan.trainings) == 33 + (11 + 1) * 35 * 3
    assert len(plan.starts) == 33


def test_masked_lm_co_training_has_756_cells_each_a_training(registry: Path) -> None:
    plan = planned(registry, 11, 10, arms={"single": SINGLE, "stilts": STILTS, "mlm": MLM})
    assert sorted(counts(plan).values()) == [30, 33, 33, 330, 330]
    assert len(plan.cells) == len(plan.trainings) == 756


def test_chang_has_1011_cells_each_a_training(registry: Path) -> None:
    grid = {
        "learning_rate": [5e-6, 1e-5, 2e-5],
        "batch_size": [8, 16, 32],
        "warmup": [0.0, 0.2],
    }
    plan = planned(registry, 3, 7, restarts=2, retrain_intermediate=False, grid=grid)
    assert sorted(counts(plan).values()) == [3, 7 * 36, 3 * 7 * 36]
    assert len(plan.cells) == len(plan.trainings) == 1011


def test_poth_has_2407_cells_each_a_training(registry: Path) -> None:
    plan = planned(registry, 42, 11, restarts=5, retrain_intermediate=False)
    assert sorted(counts(plan).values()) == [42, 55, 2310]
    assert len(plan.cells) == len(plan.trainings) == 2407


def test_weller_reads_945_cells_from_600_trainings(registry: Path) -> None:
    arms = {"single": SINGLE, "stilts": STILTS, "mtl": MTL} | {
        f"mtl-all-{sampler}": [{"parts": ["all"], "sampler": sampler}]
        for sampler in ("size", "uniform", "dynamic")
    }
    plan = planned(
        registry,
        9,
        arms=arms,
        target=names("i", 9),
        restarts=5,
        seeds=[42, 544460, 801760, 428404, 257803],
        self_transfer=False,
    )
    assert counts(plan) == {
        ("stilts", "intermediate"): 45,
        ("single", "target"): 45,
        ("stilts", "target"): 360,
        ("mtl", "target"): 360,
        **{(name, "target"): 45 for name in arms if name.startswith("mtl-all")},
    }
    assert len(plan.cells) == 945
    assert len(plan.trainings) == 45 + 360 + 180 + 15


# Cells


def test_cells_are_the_full_grid_in_the_order_of_the_tables(registry: Path) -> None:
    plan = planned(registry, 2, 1, 1, restarts=2)
    keys = [(c.arm, c.role, c.source, c.task, c.restart) for c in plan.cells]
    assert keys == [
        *(("stilts", "intermediate", "none", task, n) for task in ("i0", "i1") for n in (1, 2)),
        *(("single", "target", "none", "t0", n) for n in (1, 2)),
        *(("stilts", "target", source, "t0", n) for source in ("i0", "i1") for n in (1, 2)),
        *(("single", "probing", "none", "p0", n) for n in (1, 2)),
        *(("stilts", "probing", source, "p0", n) for source in ("i0", "i1") for n in (1, 2)),
    ]


def test_a_study_without_intermediate_tasks_has_its_baselines(registry: Path) -> None:
    (cell,) = planned(registry, 0, 1, restarts=1).cells
    assert (cell.arm, cell.source, cell.task) == ("single", "none", "t0")


def test_a_study_without_targets_trains_its_intermediate_tasks(registry: Path) -> None:
    plan = planned(registry, 2, restarts=1)
    assert [cell.task for cell in plan.cells] == ["i0", "i1"]


def test_a_task_may_be_its_own_source_unless_the_study_says_otherwise(registry: Path) -> None:
    shared = {"target": ["i0"], "restarts": 1}
    sources = [
        cell.source for cell in planned(registry, 2, **shared).cells if cell.role == "target"
    ]
    assert sources == ["none", "i0", "i1"]
    others = planned(registry, 2, **shared, self_transfer=False).cells
    assert [cell.source for cell in others if cell.role == "target"] == ["none", "i1"]
    assert [cell.task for cell in others if cell.role == "intermediate"] == ["i1"]


def test_cells_of_one_mixture_read_one_training(registry: Path) -> None:
    plan = planned(registry, 2, target=["i0", "i1"], restarts=1, arms={"mtl": MTL})
    there, back = plan.cells
    assert (there.source, there.task) == ("i0", "i1")
    assert (back.source, back.task) == ("i1", "i0")
    assert there.training == back.training
    assert [part.task for part in plan.trainings[there.training].parts] == ["i0", "i1"]


def test_a_chain_of_three_starts_each_stage_from_the_one_before(registry: Path) -> None:
    chain = [{"parts": ["i3"]}, {"parts": ["source"]}, {"parts": ["task"]}]
    plan = planned(registry, 1, 1, restarts=1, arms={"chain": chain})
    first, last = plan.cells
    assert (first.role, first.task) == ("intermediate", "i3")
    trained, tasks = plan.trainings[last.training], []
    while trained.start is not None:
        tasks.append(trained.part.task)
        trained = plan.trainings[trained.start]
    assert [*tasks, trained.part.task] == ["t0", "i0", "i3"]
    assert trained.id == first.training
    assert len(plan.starts) == 2


@pytest.mark.parametrize(
    "arms",
    [
        {"fixed": [{"parts": ["i3"]}, {"parts": ["source"]}, {"parts": ["task"]}]},
        {"mixed": [{"parts": ["source", "i3"]}, {"parts": ["task"]}]},
        {"single": SINGLE, "stilts": STILTS, "mlm": MLM, "mtl": MTL},
    ],
)
def test_no_two_cells_have_the_same_key(arms: dict[str, Any], registry: Path) -> None:
    plan = planned(registry, 4, target=["i0", "t0"], arms=arms, sizes={"i1": [50]})
    keys = [tuple(getattr(cell, name) for name in KEY) for cell in plan.cells]
    assert len(keys) == len(set(keys))
    assert {cell.training for cell in plan.cells} <= plan.trainings.keys()


# What a training is told


def test_a_training_says_all_that_its_weights_depend_on(registry: Path) -> None:
    plan = planned(
        registry,
        1,
        1,
        restarts=1,
        seed=3,
        encoder={"model": "tiny", "layers": 1},
        compute={"device": "cpu"},
        training={"target": {"epochs": 7, "train_examples": 40}},
    )
    study = load_study({"study": "x", "encoder": {"model": "tiny"}, "target": ["t0"]}, registry)
    source, _, started = plan.cells
    task = study.tasks["t0"]
    assert plan.trainings[started.training] == Training(
        model="tiny",
        declared=study.model.declared,
        layers=1,
        parts=(Part("t0", "pair", "matthews", task.digest, 40),),
        settings=Settings(epochs=7),
        seed=plan.trainings[started.training].seed,
        device="cpu",
        precision="auto",
        start=source.training,
    )


def texts_of(plan: Plan) -> dict[tuple[str, ...], list[str]]:
    """Return what masked language modelling stands beside -> whose texts it masks."""
    found = {}
    for training in plan.trainings.values():
        for part in training.parts:
            if part.task == "mlm":
                beside = tuple(each.task for each in training.parts if each != part)
                found[beside] = [text.task for text in part.texts]
    return found


@pytest.mark.parametrize(
    ("stage", "wanted"),
    [
        ({"parts": ["source", "mlm"]}, {("i0",): ["i0"], ("i1",): ["i1"]}),
        ({"parts": ["source", "mlm", "i3"]}, {(s, "i3"): [s, "i3"] for s in ("i0", "i1")}),
        ({"parts": ["source", "mlm"], "texts": ["i9"]}, {("i0",): ["i9"], ("i1",): ["i9"]}),
        ({"parts": ["i3", "mlm"], "texts": ["all"]}, {("i3",): ["i0", "i1", "t0"]}),
        ({"parts": ["mlm"], "texts": ["i4", "i2"]}, {(): ["i2", "i4"]}),
        ({"parts": ["i1", "mlm"], "texts": ["i2", "a/b.txt"]}, {("i1",): ["a/b.txt", "i2"]}),
    ],
    ids=["source", "all other parts", "a named task", "all", "mlm alone", "a text file"],
)
def test_masked_lm_masks_the_texts_of_the_other_parts_or_of_named_tasks(
    stage: dict[str, Any], wanted: dict[tuple[str, ...], list[str]], registry: Path
) -> None:
    plan = planned(registry, 2, 1, arms={"single": SINGLE, "mlm": [stage, *SINGLE]})
    assert texts_of(plan) == wanted
    assert not any("mlm" in (cell.task, cell.source) for cell in plan.cells)


def test_a_stage_that_measures_what_is_forgotten_leaves_the_encoder_as_it_is(
    registry: Path,
) -> None:
    measure = {"parts": ["mlm"], "texts": ["i9"], "frozen": True, "examples": 100}
    arm = [{"parts": ["source"]}, measure, {"parts": ["task"]}]
    own = {"overrides": {"intermediate": {"mlm": {"learning_rate": 1e-3, "steps": 100}}}}
    plan = planned(registry, 2, 1, arms={"single": SINGLE, "forgetting": arm}, restarts=1, **own)
    between = [each for each in plan.trainings.values() if each.frozen]
    assert [[text.task for text in each.part.texts] for each in between] == [["i9"], ["i9"]]
    assert {(each.settings.learning_rate, each.settings.steps) for each in between} == {(1e-3, 100)}
    starts = [plan.trainings[str(each.start)] for each in between]
    assert {each.settings for each in starts} == {Settings()}
    assert [each.part.task for each in starts] == ["i0", "i1"]
    assert not any(each.frozen for each in starts)


def test_a_text_file_adds_no_code_and_no_task(registry: Path) -> None:
    stage = {"parts": ["i0", "mlm"], "texts": ["news.txt"], "examples": 9}
    plan = planned(registry, 1, 1, arms={"mlm": [stage, *SINGLE]}, restarts=1)
    first = next(each for each in plan.trainings.values() if each.start is None)
    assert [part.task for part in first.read] == ["i0", "news.txt"]
    assert first.read[1].examples == 9
    assert first.computed_with == ({"pair", "mlm"}, {"matthews", "masked_accuracy"})


def test_texts_are_cut_as_the_task_that_they_are_of_and_count_for_the_id(registry: Path) -> None:
    plan = planned(registry, 1, 1, arms={"mlm": MLM}, sizes={"i0": [50]}, restarts=1)
    first = [each for each in plan.trainings.values() if each.start is None]
    assert [[part.examples for part in each.parts[1].texts] for each in first] == [[None], [50]]
    (i0, mlm), read = first[0].parts, first[0].read
    assert mlm.texts == (i0,) == read
    other = replace(mlm, texts=(replace(i0, declared="other"),))
    assert replace(first[0], parts=(i0, other)).id != first[0].id
    assert Training.from_json(first[0].to_json()) == first[0]


def test_numbers_are_standardised_unless_a_study_says_otherwise(registry: Path) -> None:
    numbers = {**tiny.task_file("regression"), "name": "numbers"}
    tiny.write_yaml(registry / "config/tasks/numbers.yaml", numbers)

    def standardised(**told: Any) -> dict[tuple[str, str], tuple[bool, str]]:
        """Return task, role -> whether its first training is standardised, and its id."""
        plan = planned(registry, 1, 1, intermediate=["i0", "numbers"], probing=["numbers"], **told)
        trainings = {(each.task, each.role): each.training for each in reversed(plan.cells)}
        return {key: (plan.trainings[id].part.standardise, id) for key, id in trainings.items()}

    default = standardised()
    assert {key: standard for key, (standard, _) in default.items()} == {
        ("i0", "intermediate"): False,
        ("numbers", "intermediate"): True,
        ("numbers", "probing"): True,
        ("t0", "target"): False,
    }
    plain = standardised(training={role: {"standardise": False} for role in ROLES})
    assert not any(standard for standard, _ in plain.values())
    labels = [("i0", "intermediate"), ("t0", "target")]
    assert [plain[key] for key in labels] == [default[key] for key in labels]
    own = standardised(overrides={"probing": {"numbers": {"standardise": False}}})
    assert (own["numbers", "intermediate"][0], own["numbers", "probing"][0]) == (True, False)


def test_an_intermediate_model_trained_once_serves_every_restart(registry: Path) -> None:
    plan = planned(registry, 1, 1, retrain_intermediate=False)
    started = [plan.trainings[cell.training] for cell in plan.cells if cell.source == "i0"]
    assert len({training.start for training in started}) == 1
    assert len({training.seed for training in started}) == 3


def test_a_stage_says_by_itself_whether_it_is_trained_anew(registry: Path) -> None:
    once = [{"parts": ["source"], "retrain": False}, {"parts": ["task"]}]
    plan = planned(registry, 1, 1, arms={"single": SINGLE, "once": once})
    own = [cell.restart for cell in plan.cells if cell.role == "intermediate"]
    starts = {plan.trainings[c.training].start for c in plan.cells if c.source == "i0"}
    assert (own, len(starts)) == ([1], 1)
    anew = [{"parts": ["source"], "retrain": True}, {"parts": ["task"]}]
    plan = planned(registry, 1, 1, arms={"anew": anew}, retrain_intermediate=False)
    own = [cell.restart for cell in plan.cells if cell.role == "intermediate"]
    starts = {plan.trainings[c.training].start for c in plan.cells if c.source == "i0"}
    assert (own, len(starts)) == ([1, 2, 3], 3)


def test_a_stage_says_by_itself_how_many_examples_it_sees(registry: Path) -> None:
    few = [{"parts": ["source"], "examples": 30}, {"parts": ["task"], "examples": 20}]
    arms = {"stilts": STILTS, "few": few}
    plan = planned(registry, 1, 1, restarts=1, arms=arms, sizes={"i0": [10, 50]})
    seen = {
        (cell.arm, cell.role, cell.examples): plan.trainings[cell.training].part.examples
        for cell in plan.cells
        if cell.role == "intermediate" or cell.source == "i0"
    }
    assert [seen["stilts", "intermediate", size] for size in (None, 10, 50)] == [None, 10, 50]
    assert [seen["few", "intermediate", size] for size in (None, 10, 50)] == [30, 10, 30]
    assert {seen["few", "target", size] for size in (None, 10, 50)} == {20}


def test_a_stage_with_another_method_is_another_training(registry: Path) -> None:
    arms = {"single": SINGLE, "lora": [{"parts": ["task"], "method": "lora"}]}
    plan = planned(registry, 0, 1, restarts=1, arms=arms)
    full, other = (plan.trainings[cell.training] for cell in plan.cells)
    assert (other.method, replace(other, method=FULL)) == (Lora(), full)
    assert "method" not in full.to_json()


def test_random_weights_are_those_of_trainings_without_a_start(registry: Path) -> None:
    random = planned(registry, 1, 1, encoder={"model": "tiny", "weights": "random"})
    pretrained = planned(registry, 1, 1)
    assert random.trainings.keys().isdisjoint(pretrained.trainings)
    for training in random.trainings.values():
        assert training.weights == ("random" if training.start is None else "pretrained")
    first = [{**STILTS[0], "weights": "random"}, STILTS[1]]
    both = planned(registry, 1, 1, arms={"single": SINGLE, "stilts": STILTS, "control": first})
    of_arm = {
        arm: {c.training for c in both.cells if c.arm == arm} for arm in ("stilts", "control")
    }
    assert of_arm["stilts"] < pretrained.trainings.keys()
    assert of_arm["control"] < random.trainings.keys()
    swept = planned(
        registry, 0, 1, encoder={"model": "tiny", "weights": "random"}, sweep={"dropout": [0, 0.1]}
    )
    assert {each.weights for each in swept.trainings.values()} == {"random"}


def test_shared_heads_are_another_training_of_a_mixture(registry: Path) -> None:
    shared = {"single": SINGLE, "mtl": [{**MTL[0], "heads": "by-labels"}]}
    plan = planned(registry, 1, 1, restarts=1, arms=shared)
    alone, mixture = (plan.trainings[cell.training] for cell in plan.cells)
    own = planned(registry, 1, 1, restarts=1, arms={"single": SINGLE, "mtl": MTL})
    assert alone.id == own.cells[0].training
    assert replace(mixture, heads="per-task").id == own.cells[1].training


def test_a_size_cuts_the_first_stage_alone(registry: Path) -> None:
    plan = planned(registry, 1, 1, restarts=1, sizes={"i0": [50]})
    whole, cut = (
        next(c for c in plan.cells if (c.source, c.examples) == ("i0", size)) for size in (None, 50)
    )
    own = {c.examples: plan.trainings[c.training] for c in plan.cells if c.role == "intermediate"}
    assert own[50] == replace(own[None], parts=(replace(own[None].part, examples=50),))
    trained = plan.trainings[cut.training]
    assert trained.start == own[50].id
    assert replace(trained, start=own[None].id) == plan.trainings[whole.training]


def test_tasks_are_trained_at_each_target_size_by_every_arm_from_whole_sources(
    registry: Path,
) -> None:
    arms = {"single": SINGLE, "stilts": STILTS, "mtl": MTL}
    cut: dict[str, Any] = {"target_sizes": {"t0": [5, 9], "p0": [7]}}
    plan = planned(registry, 2, 2, 1, arms=arms, sizes={"i0": [50]}, **cut)
    before = planned(registry, 2, 2, 1, arms=arms, sizes={"i0": [50]})
    reduced = [cell for cell in plan.cells if cell.task_examples is not None]
    assert [cell for cell in plan.cells if cell not in reduced] == before.cells
    found = Counter((cell.arm, cell.source, cell.task, cell.task_examples) for cell in reduced)
    reached = [("single", "none"), *itertools.product(("stilts", "mtl"), ("i0", "i1"))]
    sizes = [("t0", 5), ("t0", 9), ("p0", 7)]
    assert found == {(*by, *size): 3 for by in reached for size in sizes}
    assert {cell.examples for cell in reduced} == {None}
    assert len(plan.trainings) == len(before.trainings) + 5 * 3 * 3
    whole = {
        (c.arm, c.role, c.source, c.task, c.restart): c for c in before.cells if not c.examples
    }
    for cell in reduced:
        cell_of_all = whole[cell.arm, cell.role, cell.source, cell.task, cell.restart]
        own, full = (plan.trainings[each.training] for each in (cell, cell_of_all))
        parts = [
            replace(part, examples=cell.task_examples) if part.task == cell.task else part
            for part in full.parts
        ]
        assert own == replace(full, parts=tuple(parts))


def test_a_target_size_is_the_size_of_the_task_in_every_stage(registry: Path) -> None:
    chain = [{"parts": ["all"]}, {"parts": ["t0", "source"]}, {"parts": ["task"]}]
    arms = {"single": SINGLE, "chain": chain, "mtl-all": [{"parts": ["all"]}]}
    plan = planned(registry, 1, 2, restarts=1, arms=arms, target_sizes={"t0": [5]})
    for arm in ("chain", "mtl-all"):
        (cell,) = (c for c in plan.cells if (c.arm, c.task_examples) == (arm, 5))
        training, seen = plan.trainings[cell.training], []
        while True:
            seen.append({part.task: part.examples for part in training.parts})
            if training.start is None:
                break
            training = plan.trainings[training.start]
        everything = {"i0": None, "t0": 5, "t1": None}
        assert seen == [{"t0": 5}, {"t0": 5, "i0": None}, everything][-len(seen) :]


def test_a_task_of_a_reduced_size_does_not_start_from_its_own_data(registry: Path) -> None:
    target = ["i0", "t0"]
    plan = planned(registry, 2, target=target, restarts=1, target_sizes={"i0": [5], "t0": [5]})
    reduced = [(c.source, c.task) for c in plan.cells if c.task_examples]
    own = [("i0", "t0"), ("i1", "i0"), ("i1", "t0")]
    assert sorted(reduced) == sorted([("none", "i0"), ("none", "t0"), *own])


def test_a_target_size_is_the_training_of_a_study_with_as_many_examples(registry: Path) -> None:
    few = planned(registry, 1, 1, training={"target": {"train_examples": 5}})
    cut = planned(registry, 1, 1, target_sizes={"t0": [5]})
    of_few = {c.training for c in few.cells if c.role == "target"}
    assert {c.training for c in cut.cells if c.task_examples} == of_few
    as_declared = [{"parts": ["task"], "examples": 4}]
    plan = planned(registry, 0, 1, target_sizes={"t0": [5]}, arms={"few": as_declared})
    assert len(plan.trainings) == 3  # the stage cuts it further, so nothing is trained twice


def test_a_point_of_a_grid_changes_the_last_stage_alone(registry: Path) -> None:
    plan = planned(registry, 1, 1, restarts=1, grid={"learning_rate": [0.1, 0.2], "warmup": [0, 1]})
    points = {c.point: plan.trainings[c.training] for c in plan.cells if c.source == "i0"}
    tried = [(p.settings.learning_rate, p.settings.warmup) for _, p in sorted(points.items())]
    assert tried == [(0.1, 0), (0.1, 1), (0.2, 0), (0.2, 1)]
    assert len({training.start for training in points.values()}) == 1


def test_a_sweep_is_planned_at_a_seed_of_its_own_and_its_choice_is_part_of_what_uses_it(
    registry: Path,
) -> None:
    plan = planned(registry, 1, 1, restarts=1, sweep={"learning_rate": [0.1, 0.2]})
    plain = planned(registry, 1, 1, restarts=1)
    tried = [cell for cell in plan.tried if cell.role == "target"]
    assert [(cell.arm, cell.restart, cell.point) for cell in tried] == [
        ("sweep", None, 1),
        ("sweep", None, 2),
    ]
    assert {plan.trainings[cell.training].seed for cell in tried}.isdisjoint(
        training.seed for training in plain.trainings.values()
    )
    baseline = next(plan.trainings[c.training] for c in plan.cells if c.arm == "single")
    assert baseline.choice is not None
    assert baseline.choice.trainings == tuple(cell.training for cell in tried)
    assert replace(baseline, choice=None).id in plain.trainings


def test_starts_come_before_what_starts_from_them(registry: Path) -> None:
    order = list(planned(registry, 3, 2, 2).trainings)
    plan = planned(registry, 3, 2, 2)
    for id, training in plan.trainings.items():
        assert training.start is None or order.index(training.start) < order.index(id)


# The sampler that compares the tasks of a mixture with what each reaches alone

DYNAMIC = [{"parts": ["source", "task"], "sampler": "dynamic"}]


def references(plan: Plan, cell: Cell) -> list[Training]:
    return [plan.trainings[id] for id in plan.trainings[cell.training].references]


def test_dynamic_refers_to_the_baselines_of_the_same_restart(registry: Path) -> None:
    told = {"target": ["i0", "i1"], "arms": {"single": SINGLE, "mtl": DYNAMIC}, "restarts": 2}
    plan = planned(registry, 2, **told)
    alone = {(c.task, c.restart): c.training for c in plan.cells if c.arm == "single"}
    mixtures = [cell for cell in plan.cells if cell.arm == "mtl"]
    for cell in mixtures:
        wanted = (alone["i0", cell.restart], alone["i1", cell.restart])
        assert plan.trainings[cell.training].references == wanted
    assert len(plan.trainings) == 4 + 2, "nothing else is trained"


def test_dynamic_has_what_no_cell_has_trained_alone_before_it(registry: Path) -> None:
    settings = {"target": {"train_examples": 90}}
    own = {"target": {"i0": {"epochs": 9}}}
    arms = {"single": SINGLE, "mtl": DYNAMIC}
    plan = planned(registry, 1, 1, restarts=1, training=settings, overrides=own, arms=arms)
    single, mixture = plan.cells
    source, target = references(plan, mixture)
    assert target.id == single.training
    assert (source.part.task, source.start, source.sampler) == ("i0", None, None)
    assert (source.settings.epochs, source.part.examples, source.seed) == (9, 90, target.seed)
    order = list(plan.trainings)
    assert order.index(source.id) < order.index(mixture.training)
    assert plan.names[source.id].startswith("alone, to compare with: i0, seed")
    assert plan.references == {source.id, target.id}


def test_dynamic_in_a_first_stage_and_of_a_cut_source_refers_to_the_same_data(
    registry: Path,
) -> None:
    chain = [{**DYNAMIC[0], "parts": ["source", "i1"], "examples": 70}, {"parts": ["task"]}]
    plan = planned(registry, 1, 1, restarts=1, sizes={"i0": [50]}, arms={"chain": chain})
    seen = [
        (mixture.seed == alone.seed, part == alone.part)
        for cell in plan.cells
        if cell.role == "intermediate"
        for mixture in [plan.trainings[cell.training]]
        for part, alone in zip(mixture.parts, references(plan, cell), strict=True)
    ]
    assert seen == [(True, True)] * 4


def test_a_point_of_a_grid_and_a_sweep_hold_for_what_dynamic_refers_to(registry: Path) -> None:
    arms = {"single": SINGLE, "mtl": DYNAMIC}
    plan = planned(registry, 1, 1, restarts=1, arms=arms, grid={"dropout": [0.1, 0.2]})
    alone = {c.point: c.training for c in plan.cells if c.arm == "single"}
    for cell in plan.cells:
        if cell.arm == "mtl":
            assert [each.settings.dropout for each in references(plan, cell)] == [
                plan.trainings[alone[cell.point]].settings.dropout
            ] * 2
    swept = planned(registry, 1, 1, restarts=1, arms=arms, sweep={"dropout": [0.1, 0.2]})
    assert all(each.choice is not None for each in references(swept, swept.cells[-1]))


def test_dynamic_compares_with_what_the_same_method_reaches(registry: Path) -> None:
    arms = {"single": SINGLE, "mtl": [{**DYNAMIC[0], "method": "lora"}]}
    plan = planned(registry, 1, 1, restarts=1, arms=arms)
    single, mixture = (plan.trainings[cell.training] for cell in plan.cells)
    alone = references(plan, plan.cells[-1])
    assert {each.method for each in alone} == {mixture.method} != {single.method}


def test_where_an_arm_is_dynamic_every_training_holds_examples_aside(registry: Path) -> None:
    arms = {"single": SINGLE, "stilts": STILTS, "mtl": MTL}
    told = {"restarts": 1, "sweep": {"dropout": [0.1, 0.2]}}
    without = planned(registry, 1, 1, 1, arms=arms, **told)
    assert not any(part.held_aside for each in without.trainings.values() for part in each.parts)
    plan = planned(registry, 1, 1, 1, arms={**arms, "dynamic": DYNAMIC}, **told)
    assert all(part.held_aside for each in plan.trainings.values() for part in each.parts)
    assert not plan.trainings.keys() & without.trainings.keys()


# What studies share


@pytest.mark.parametrize(
    "other",
    [
        {"study": "another"},
        {"restarts": 5},
        {"arms": {"alone": SINGLE, "chained": STILTS}},
        {"intermediate": ["i0", "i4"]},
        {"compute": {"threads": 4, "retries": 2}},
        {"statistics": {"alpha": 0.01}},
    ],
    ids=["name", "restarts", "arms", "tasks", "threads", "analysis"],
)
def test_studies_that_plan_the_same_trainings_name_the_same(
    other: dict[str, Any], registry: Path
) -> None:
    shared = {cell.training for cell in planned(registry, 1, 1, restarts=2).cells}
    assert shared <= planned(registry, 1, 1, **{"restarts": 2, **other}).trainings.keys()


def test_one_training_serves_as_target_and_as_start_where_roles_do_not_differ(
    registry: Path,
) -> None:
    plan = planned(registry, 1, target=["i0"], seeds=[1, 2, 3])
    alone = {cell.training for cell in plan.cells if cell.arm == "single"}
    assert alone == {cell.training for cell in plan.cells if cell.role == "intermediate"}


def test_names_tell_arm_role_source_task_and_restart(registry: Path) -> None:
    plan = planned(registry, 1, 1, restarts=1, sizes={"i0": [50]}, sweep={"dropout": [0.1]})
    assert set(plan.names.values()) == {
        "sweep intermediate: none > i0, point 1",
        "sweep target: none > t0, point 1",
        "stilts intermediate: none > i0, restart 1",
        "stilts intermediate: none > i0 (50), restart 1",
        "single target: none > t0, restart 1",
        "stilts target: i0 > t0, restart 1",
        "stilts target: i0 (50) > t0, restart 1",
    }


def test_a_skipped_task_is_in_no_cell(registry: Path) -> None:
    config = {
        "study": "any",
        "encoder": {"model": "tiny"},
        "intermediate": ["i0", "i1"],
        "target": ["t0"],
        "skip_unavailable": True,
    }
    why = {"i1": "no copy"}
    study = load_study(config, registry, unavailable=lambda task, _: why.get(task.name))
    named = {name for cell in plan_of(study).cells for name in (cell.source, cell.task)}
    assert named == {"none", "i0", "t0"}
    assert study.skipped == why


@pytest.mark.parametrize(
    ("parts", "changes", "found"),
    [
        (["all"], {"intermediate": ["i0"], "target": ["i0"]}, "i0 alone for own target: none > i0"),
        (["source", "i0"], {}, "i0 alone for own intermediate: none > i0"),
        (["source", "i1"], {}, None),
    ],
)
def test_a_mixture_of_one_task_is_one_message(
    parts: list[str], changes: dict[str, Any], found: str | None, registry: Path
) -> None:
    arms = {"own": [{"parts": parts}, *([] if parts == ["all"] else SINGLE)]}
    plan = planned(registry, 1, 1, arms=arms, **changes)
    message = f"study.yaml: key arms: found a mixture of {found}, restart 1. Allowed: two or more"
    with pytest.raises(InputError, match=message) if found else nullcontext():
        check_mixtures(plan, "study.yaml")


def test_a_mixture_that_is_partly_evaluated_keeps_one_model(registry: Path) -> None:
    config = {
        "study": "any",
        "encoder": {"model": "tiny"},
        "intermediate": ["i0"],
        "target": ["t0"],
        "training": {"target": {"interim_examples": 5}},
    }
    for kept, refused in (("per-task", True), ("mean", False)):
        arms = {"single": SINGLE, "mtl": [{**MTL[0], "kept": kept}]}
        plan = plan_of(load_study({**config, "arms": arms}, registry))
        message = "key interim_examples: found 5 for mtl target: i0 > t0"
        with pytest.raises(InputError, match=message) if refused else nullcontext():
            check_mixtures(plan, "study.yaml")
