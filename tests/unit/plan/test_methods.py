"""Methods in a config: how they are named, which trainings they give, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import tiny

from interlude.errors import InputError
from interlude.plan.config import Config
from interlude.plan.declared import checked
from interlude.plan.methods import FULL, METHODS, Bottleneck, Lora, method_of
from interlude.plan.planner import Plan, plan_of
from interlude.plan.study import load_study
from interlude.plan.trainings import Training

ROOT = Path(__file__).parents[3]
SINGLE = [{"parts": ["task"]}]
STILTS = [{"parts": ["source"]}, *SINGLE]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    tiny.write_registry(root)
    return root


def planned(root: Path, encoder: dict[str, Any], **changes: Any) -> Plan:
    document = tiny.config(encoder={"model": "tiny", **encoder}, restarts=1, probing=[], **changes)
    study = load_study(document, root, "study.yaml")
    return plan_of(study)


def test_a_name_alone_stands_for_the_default_parameters() -> None:
    for method in ("lora", {"name": "lora"}, {"name": "lora", "r": 8, "alpha": 16}):
        config = checked(Config, tiny.config(encoder={"model": "tiny", "method": method}), "c")
        assert config.encoder.method == Lora()
    assert checked(Config, tiny.config(), "c").encoder.method == FULL


def test_the_method_of_the_encoder_is_that_of_every_training(root: Path) -> None:
    plan = planned(root, {"method": {"name": "lora", "r": 2}, "adapter": "merge"})
    assert {each.method for each in plan.trainings.values()} == {Lora(r=2)}
    fates = {(each.start is None, each.adapter) for each in plan.trainings.values()}
    assert fates == {(True, None), (False, "merge")}
    full = planned(root, {})
    assert {each.method for each in full.trainings.values()} == {FULL}
    assert not full.trainings.keys() & plan.trainings.keys()


def test_a_stage_goes_over_the_encoder(root: Path) -> None:
    blocks = [{**stage, "method": "bottleneck"} for stage in STILTS]
    plan = planned(root, {"method": "lora"}, arms={"single": SINGLE, "blocks": blocks})
    found = {(cell.arm, plan.trainings[cell.training].method) for cell in plan.cells}
    assert found == {("single", Lora()), ("blocks", Bottleneck())}
    lora = [{**stage, "adapter": "merge"} for stage in STILTS[1:]]
    plan = planned(root, {"method": "lora"}, arms={"a": [STILTS[0], *lora]})
    assert {each.adapter for each in plan.trainings.values()} == {None, "merge"}


@pytest.mark.parametrize("name", METHODS)
def test_a_training_is_read_back_from_its_json(name: str) -> None:
    training = tiny.training("single", method=method_of({"name": name}), adapter="continue")
    again = Training.from_json(training.to_json())
    assert (again, again.id) == (training, training.id)


def test_the_study_of_the_page_on_adapters_is_planned() -> None:
    page = (ROOT / "docs/adapters.md").read_text(encoding="utf8")
    told = page.partition("`adapters.yaml`:\n\n```yaml\n")[2].partition("```")[0]
    plan = plan_of(load_study(yaml.safe_load(told), ROOT, "adapters.yaml"))
    methods = [training.method for training in plan.trainings.values()]
    assert methods == [Lora(r=8)] * 6


def test_every_parameter_is_part_of_the_id() -> None:
    methods = [Lora(), Lora(r=4), Lora(dora=True), Lora(modules=("query",)), Bottleneck(), FULL]
    assert len({tiny.training("single", method=each).id for each in methods}) == len(methods)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("lor", r"found 'lor'\. Did you mean 'lora'\? Allowed: full, lora, "),
        ({"name": "adapters"}, r"Allowed: full, lora, .*bottleneck"),
        ({"r": 8}, r"found \{'r': 8\}.* Allowed: full"),
        (8, r"found 8\. Allowed: full"),
        ({"name": "lora", "r": 0}, r"method\.r: found 0\. Allowed: rank .*\(at least 1\)"),
        ({"name": "lora", "r": "8"}, r"method\.r: found '8'.* without quotes"),
        ({"name": "lora", "rank": 8}, r"unknown key 'rank'\. .*Allowed: alpha, .*, r, rslora"),
        ({"name": "lora", "dropout": 1}, r"method\.dropout: found 1\. .*\(below 1\)"),
        ({"name": "lora", "modules": "query"}, r"method\.modules: found 'query'\..* in brackets"),
        ({"name": "lora", "modules": []}, r"method\.modules: found \[\]\. .*1 or more"),
        ({"name": "hra", "r": 3}, r"method\.r: found 3\. Allowed: .*\(a multiple of 2\)"),
        ({"name": "bottleneck", "reduction": 0}, r"method\.reduction: found 0\. .*at least 1"),
        (
            {"name": "bottleneck", "activation": "relo"},
            r"method\.activation: found 'relo'\. Did you mean 'relu'\? Allowed: relu, gelu, silu",
        ),
    ],
    ids=str,
)
def test_a_fault_in_a_method_is_one_line(method: Any, message: str) -> None:
    document = tiny.config(encoder={"model": "tiny", "method": method})
    with pytest.raises(InputError, match=rf"study\.yaml: key encoder\..*{message}") as error:
        checked(Config, document, "study.yaml")
    assert "\n" not in str(error.value)
    arms = {"a": [{"parts": ["task"], "method": method}]}
    with pytest.raises(InputError, match=rf"key arms\.a\.0\..*{message}"):
        checked(Config, tiny.config(arms=arms), "study.yaml")


LORA_THEN_FULL = [{**STILTS[0], "method": "lora"}, {**STILTS[1], "method": "full"}]


@pytest.mark.parametrize(
    ("encoder", "stages", "message"),
    [
        ({}, LORA_THEN_FULL, r"stages of different methods \(.*'lora'.* > .*'full'.*\)\. Allowed"),
        ({}, [{**STILTS[0], "method": "lora"}, STILTS[1]], r"'lora'.* > .*'full'"),
        ({"method": "lora"}, [{**STILTS[0], "method": "full"}, STILTS[1]], r"'full'.* > .*'lora'"),
        (
            {"method": "lora"},
            [STILTS[0], {**STILTS[1], "method": {"name": "lora", "r": 4}}],
            r"'r': 8.* > .*'r': 4",
        ),
        (
            {"method": "bottleneck", "adapter": "merge"},
            STILTS,
            r"found adapter: merge with the method bottleneck, .*Allowed: continue",
        ),
        (
            {"method": {"name": "bottleneck", "published": "adapters/mnli"}},
            STILTS,
            r"found published alone .* Allowed: published with published_sha256",
        ),
        (
            {"method": "lora"},
            [{**STILTS[0], "adapter": "merge"}, STILTS[1]],
            r"found adapter in the first stage",
        ),
    ],
)
def test_methods_that_cannot_follow_one_another_are_refused(
    encoder: dict[str, Any], stages: list[Any], message: str, root: Path
) -> None:
    with pytest.raises(InputError, match=rf"study\.yaml: key arms\.chain: .*{message}"):
        planned(root, encoder, arms={"chain": stages})


def test_a_stage_may_have_a_learning_rate_of_its_own(root: Path) -> None:
    lora = [{**stage, "method": "lora", "learning_rate": 5e-4} for stage in STILTS]
    arms = {"single": SINGLE, "stilts": STILTS, "lora": lora}
    plan = planned(root, {}, arms=arms, overrides={"target": {"tiny-pair": {"learning_rate": 0.1}}})
    found = {
        (cell.arm, cell.task): plan.trainings[cell.training].settings.learning_rate
        for cell in plan.cells
        if cell.role == "target"
    }
    assert {found[arm, "tiny-pair"] for arm in arms} == {0.1, 5e-4}
    assert {rate for (arm, _), rate in found.items() if arm == "lora"} == {5e-4}
    same = [{**stage, "learning_rate": 0.1} for stage in SINGLE]
    again = planned(root, {}, arms={"single": same})
    alone = {c.training for c in plan.cells if (c.arm, c.task) == ("single", "tiny-pair")}
    assert alone <= again.trainings.keys()  # the same training, wherever its rate is written


@pytest.mark.parametrize("key", ["grid", "sweep"])
def test_two_learning_rates_for_one_training_are_refused(root: Path, key: str) -> None:
    changes = {key: {"learning_rate": [0.1, 0.2]}}
    arms = {"single": SINGLE, "lora": [{"parts": ["task"], "learning_rate": 0.1}]}
    with pytest.raises(InputError) as caught:
        load_study(tiny.config(arms=arms, **changes), root, "study.yaml")
    assert str(caught.value) == (
        f"study.yaml: key arms.lora: found learning_rate in a stage, and in {key}, which "
        "overrides it. Allowed: one of them."
    )
