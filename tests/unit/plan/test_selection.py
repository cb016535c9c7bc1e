"""What is read to choose sources by."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers import tiny

from interlude.errors import InputError
from interlude.plan.cells import scored
from interlude.plan.planner import Plan, plan_of
from interlude.plan.selection import NEEDS_OF, Selected, selected
from interlude.plan.study import load_study
from interlude.words import OF_ENCODERS

EVERY = {"methods": [*NEEDS_OF], "examples": 20, "sentence_model": "sentences"}


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    tiny.write_registry(tmp_path)
    model = tiny.model_file(name="sentences", folder="models/sentences")
    tiny.write_yaml(tmp_path / "config/models/sentences.yaml", model)
    return tmp_path


def read(registry: Path, **changes: Any) -> tuple[Selected, Plan]:
    study = load_study(tiny.config(**{"selection": EVERY} | changes), registry)
    plan = plan_of(study)
    return selected(study, plan), plan


def test_a_study_without_the_key_reads_nothing(registry: Path) -> None:
    assert read(registry, selection=None)[0].extractions == {}
    assert read(registry, selection={"methods": ["size", "random"]})[0].extractions == {}


def test_every_method_that_needs_a_reading_has_one() -> None:
    assert NEEDS_OF.keys() == {*OF_ENCODERS}


def test_few_steps_are_trainings_of_their_own_and_no_scores(registry: Path) -> None:
    found, plan = read(registry, selection={"methods": ["few-shot-5", "few-shot-50"]})
    before = read(registry, selection=None)[1]
    own = plan.trainings.keys() - before.trainings.keys()
    assert len(own) == 3 * 2  # two sources and none, on two targets
    assert own == {id for pair in found.pairs for id in pair.needs["steps"]}
    assert own == {cell.training for cell in plan.few_shot}
    assert plan.cells == before.cells
    assert scored([*plan.cells, *plan.few_shot]) == plan.cells
    assert {plan.roles[id] for id in own} == {"target"}
    assert all("few shot target" in plan.names[id] for id in own)
    for id in own:
        training = plan.trainings[id]
        settings = training.settings
        assert (settings.steps, settings.batch_size, settings.evaluate_every) == (50, 20, 5)
        assert training.part.examples == 1000
    assert plan.starts == before.starts


def test_each_pair_reads_what_its_methods_need_and_shares_the_rest(registry: Path) -> None:
    found, _ = read(registry)
    pairs = [(pair.source, pair.target) for pair in found.pairs]
    sources, targets = ("tiny-single", "tiny-choice"), ("tiny-pair", "tiny-span")
    assert pairs == [(source, target) for target in targets for source in (*sources, "none")]
    kinds = Counter(
        (each.kind, each.model, each.start is None) for each in found.extractions.values()
    )
    assert kinds == {
        ("features", "tiny", False): 4,  # source by target
        ("features", "tiny", True): 4,  # a text of each task
        ("features", "sentences", True): 4,
        ("fisher", "tiny", False): 4,
        ("vocabulary", "tiny", True): 4,
    }
    assert found.uses["texts", found.pairs[0].needs["texts"][0]] == 2
    assert found.uses["texts", found.pairs[0].needs["texts"][1]] == 2
    assert found.uses["features", found.pairs[0].needs["features"][0]] == 1


def test_readers_are_what_the_first_restart_leaves(registry: Path) -> None:
    found, plan = read(registry)
    (pair,) = [each for each in found.pairs if each.source == "tiny-single"][:1]
    (features,) = (found.extractions[id] for id in pair.needs["features"])
    (cell,) = (
        each
        for each in plan.cells
        if (each.arm, each.source, each.task, each.restart)
        == ("stilts", "tiny-single", "tiny-pair", 1)
    )
    assert features.start == plan.trainings[cell.training].start
    assert features.head is not None
    assert (features.head.task, features.part.task) == ("tiny-single", "tiny-pair")
    assert features.part.examples == 20
    of_source, of_target = (found.extractions[id] for id in pair.needs["fisher"])
    assert of_source.start == features.start
    single = plan.trainings[str(of_target.start)]
    assert single.start is None
    assert [part.task for part in single.parts] == ["tiny-pair"]
    assert len(found.starts) == 2 + 2  # of each source, and of each target alone


def test_examples_are_no_more_than_the_training_has(registry: Path) -> None:
    found, _ = read(registry, training={"target": {"train_examples": 12}})
    assert {r.part.examples for r in found.extractions.values() if r.part.task == "tiny-pair"} == {
        12
    }


def test_another_setting_of_the_optimiser_reads_the_same_texts_again(registry: Path) -> None:
    own = {"methods": ["textemb", "vocabulary"]}
    first, _ = read(registry, selection=own)
    second, _ = read(registry, selection=own, training={"target": {"learning_rate": 1.0e-3}})
    assert first.extractions.keys() == second.extractions.keys()


def test_a_stage_between_reads_and_the_source_has_the_head(registry: Path) -> None:
    arms: dict[str, Any] = {
        "single": [{"parts": ["task"]}],
        "chain": [{"parts": ["source"]}, {"parts": ["tiny-tagging"]}, {"parts": ["task"]}],
    }
    found, plan = read(registry, arms=arms)
    pair = found.pairs[0]
    (features,) = (found.extractions[id] for id in pair.needs["features"])
    between = plan.trainings[str(features.start)]
    assert [part.task for part in between.parts] == ["tiny-tagging"]
    of_source = found.extractions[pair.needs["fisher"][0]]
    assert of_source.start == between.start


def test_an_arm_that_only_mixes_leaves_no_encoder_to_choose_by(registry: Path) -> None:
    arms: dict[str, Any] = {
        "single": [{"parts": ["task"]}],
        "mtl": [{"parts": ["source", "task"], "sampler": "uniform"}],
    }
    with pytest.raises(InputError, match="key selection: found an arm in which no stage starts"):
        read(registry, arms=arms)


def test_an_unknown_model_of_sentences_is_refused(registry: Path) -> None:
    with pytest.raises(InputError, match=r"selection\.sentence_model: unknown model 'tinny'"):
        read(registry, selection={"methods": ["semb"], "sentence_model": "tinny"})
