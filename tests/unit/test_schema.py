"""Messages for people when a config or a YAML file breaks its schema; defaults when it does not."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import tiny
import yaml

from interlude.errors import InputError, did_you_mean, unknown
from interlude.plan.schema import SCHEMAS, load_validated, read_yaml, validate
from interlude.plan.settings import Settings

SETTINGS_SCHEMA = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf8"))[
    "$defs"
]["settings"]["properties"]

# Where in the config, what is written there, and what the message must say.
FAULTS: list[tuple[str, Any, list[str]]] = [
    ("restart", 3, ["top level", "unknown key 'restart'", "Did you mean 'restarts'?", "Allowed:"]),
    ("zzz", 3, ["unknown key 'zzz'", "Allowed: ", "compute, contrasts, degenerate, encoder"]),
    ("encoder.layer", 3, ["key encoder", "'layer'", "Did you mean 'layers'?"]),
    (
        "training.target.learn_rate",
        1e-4,
        ["key training.target", "'learn_rate'", "Did you mean 'learning_rate'?"],
    ),
    ("training.targets", {}, ["key training", "Did you mean 'target'?"]),
    ("overrides.target.tiny-pair.epoch", 3, ["key overrides.target.tiny-pair", "'epochs'?"]),
    ("restarts", 0, ["key restarts", "found 0", "1 to 100", "minimum 1"]),
    ("restarts", 101, ["key restarts", "found 101", "maximum 100"]),
    ("restarts", "three", ["key restarts", "found 'three'", "integer"]),
    ("restarts", True, ["key restarts", "found True", "integer"]),
    ("restarts", 3.0, ["key restarts", "found 3.0", "integer"]),
    ("seed", -1, ["key seed", "found -1", "minimum 0"]),
    ("seeds", [{"intermediate": 1, "target": 2}], ["key seeds.0", "no key 'probing'"]),
    ("seeds", [-1], ["key seeds.0", "found -1", "below 2^32"]),
    ("self_transfer", "no", ["key self_transfer", "found 'no'", "boolean"]),
    ("arms", {}, ["key arms", "found {}", "minProperties 1"]),
    ("arms", {"none": [{"parts": ["task"]}]}, ["key arms", "'none'", "stands for no source"]),
    ("arms.stilts", [], ["key arms.stilts", "found []", "one or more"]),
    ("arms.stilts", {"parts": ["task"]}, ["key arms.stilts", "a list of stages"]),
    ("arms.stilts", [{}], ["key arms.stilts.0", "no key 'parts'", "Needed: parts"]),
    ("arms.stilts", [{"parts": []}], ["key arms.stilts.0.parts", "one or more of task", "mlm"]),
    ("arms.stilts", [{"part": ["task"]}], ["key arms.stilts.0", "Did you mean 'parts'?"]),
    (
        "arms.mtl",
        [{"parts": ["source", "task"], "sampler": "unifrom"}],
        ["key arms.mtl.0.sampler", "Did you mean 'uniform'?", "proportional, temperature, dynamic"],
    ),
    ("arms.mtl", [{"parts": ["all"], "examples": 0}], ["key arms.mtl.0.examples", "found 0"]),
    ("contrasts", [{"arm": "stilts"}], ["key contrasts.0", "no key 'against'"]),
    ("grid", {"learning_rate": []}, ["key grid.learning_rate", "list of different values"]),
    ("grid", {"learning_rate": [2]}, ["key grid.learning_rate.0", "found 2", "at most 1"]),
    ("grid", {"learn_rate": [1e-5]}, ["key grid", "Did you mean 'learning_rate'?"]),
    (
        "seeds",
        [{"intermediate": 1, "target": 2, "probing": 2**32}],
        ["key seeds.0.probing", "4294967296", "below 2^32"],
    ),
    ("study", "../up", ["key study", "'../up'", "lower case"]),
    ("study", "", ["key study", "found ''"]),
    ("target", "tiny-pair", ["key target", "'tiny-pair'", "array"]),
    ("target", ["tiny-pair", "tiny-pair"], ["key target", "uniqueItems"]),
    ("target", ["Tiny Pair"], ["key target.0", "'Tiny Pair'", "lower case"]),
    ("encoder.layers", 0, ["key encoder.layers", "found 0"]),
    ("compute.device", "gpu", ["key compute.device", "'gpu'", "Allowed: auto, cpu, cuda"]),
    ("compute.precision", "fp16", ["'fp16'", "Did you mean 'bf16'?", "auto, fp32, bf16"]),
    ("missing_runs", "reports", ["key missing_runs", "Did you mean 'report'?"]),
    ("degenerate.margin", 1.5, ["key degenerate.margin", "found 1.5", "0 to 1"]),
    ("training.target.epochs", 0, ["key training.target.epochs", "found 0", "above 0"]),
    ("training.target.learning_rate", "1e-4", ["learning_rate", "found '1e-4'", "number"]),
    ("training.target.learning_rate", float("nan"), ["learning_rate", "found nan"]),
    ("training.target.gradient_clip", float("inf"), ["gradient_clip", "found inf"]),
    ("training.target.dropout", 1, ["key training.target.dropout", "found 1", "below 1"]),
    ("training.target.select", "first", ["select", "'first'", "Allowed: best, last"]),
    ("training.target.batch_size", 16.5, ["batch_size", "found 16.5"]),
    ("overrides.target.tiny-pair.warmup", 2, ["overrides.target.tiny-pair.warmup", "found 2"]),
    ("overrides.target", {3: {}}, ["key overrides.target", "found 3"]),
    ("training", None, ["key training", "found None", "object"]),
]


def with_value(key: str, value: Any) -> dict[str, Any]:
    """Return the tiny config with a value at a dotted key."""
    document = copy.deepcopy(tiny.config())
    *parents, last = key.split(".")
    place = document
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = value
    return document


@pytest.mark.parametrize(("key", "value", "parts"), FAULTS, ids=[f"{k}={v}" for k, v, _ in FAULTS])
def test_fault_in_a_config_is_named(key: str, value: Any, parts: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        validate(with_value(key, value), "config", where="study.yaml")
    for part in ["study.yaml: ", *parts]:
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("study", "top level: no key 'study'. Needed: study, encoder."),
        ("encoder", "top level: no key 'encoder'. Needed: study, encoder."),
        ("encoder.model", "key encoder: no key 'model'. Needed: model."),
    ],
)
def test_required_key_is_named(key: str, message: str) -> None:
    document = tiny.config()
    place = document["encoder"] if "." in key else document
    del place[key.rpartition(".")[2]]
    with pytest.raises(InputError) as raised:
        validate(document, "config", where="study.yaml")
    assert str(raised.value) == f"study.yaml: {message}"


def test_a_study_may_leave_roles_without_tasks() -> None:
    document = {"study": "tiny", "encoder": {"model": "tiny"}, "target": ["tiny-pair"]}
    filled = validate(document, "config", where="c")
    assert (filled["intermediate"], filled["target"], filled["probing"]) == ([], ["tiny-pair"], [])


def test_arms_of_all_four_papers_are_allowed() -> None:
    arms = {
        "single": [{"parts": ["task"]}],
        "stilts": [{"parts": ["source"], "retrain": False}, {"parts": ["task"]}],
        "mlm": [{"parts": ["source", "mlm"], "sampler": "proportional"}, {"parts": ["task"]}],
        "mtl": [{"parts": ["source", "task"], "sampler": "dynamic"}],
        "mtl-all": [{"parts": ["all"], "sampler": "size", "examples": 1000}],
    }
    contrasts = [{"arm": "stilts", "against": "single"}, {"arm": "mtl", "against": "stilts"}]
    grid = {"learning_rate": [5.0e-6, 1.0e-5], "batch_size": [8, 16], "warmup": [0, 0.2]}
    told = {"contrasts": contrasts, "grid": grid, "self_transfer": False, "seeds": [1, 2, 3]}
    filled = validate(tiny.config(arms=copy.deepcopy(arms), **told), "config", where="c")
    assert {key: filled[key] for key in told} == told
    assert filled["arms"]["mlm"][0] == {**arms["mlm"][0], "method": "full"}
    assert filled["arms"]["single"] == [{"parts": ["task"], "sampler": "uniform", "method": "full"}]


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match=r"study\.yaml: expected a mapping of keys, found"):
        validate(document, "config", where="study.yaml")


def test_defaults_are_filled_at_every_level() -> None:
    filled = validate(tiny.config(compute={"threads": 2}), "config", where="c")
    assert filled["restarts"] == 3
    assert filled["seeds"] is None
    assert [filled[key] for key in ("arms", "contrasts", "grid")] == [None, [], None]
    assert filled["self_transfer"] is True
    assert filled["encoder"] == {"model": "tiny", "layers": None}
    assert filled["training"] == {"intermediate": {}, "target": {}, "probing": {}}
    assert filled["degenerate"].items() >= {"constant": True, "chance": True, "margin": 0}.items()
    assert filled["compute"] == {
        "device": "auto",
        "precision": "auto",
        "threads": 2,
        "checkpoint_minutes": 15,
        "retries": 0,
        "shared": "results/shared",
    }
    assert filled["task_folders"] == ["config/tasks"]


def test_filled_defaults_belong_to_one_document_alone() -> None:
    first = validate(tiny.config(), "config", where="c")
    first["overrides"]["target"]["tiny-pair"] = {"epochs": 9}
    first["task_folders"].append("elsewhere")
    second = validate(tiny.config(), "config", where="c")
    assert second["overrides"]["target"] == {}
    assert second["task_folders"] == ["config/tasks"]


def test_a_valid_document_stays_valid_once_filled() -> None:
    filled = validate(tiny.config(), "config", where="c")
    assert validate(copy.deepcopy(filled), "config", where="c") == filled


def test_settings_and_their_schema_have_the_same_keys() -> None:
    # How many examples of a task are used is a part's, not the training's.
    assert set(SETTINGS_SCHEMA) == {field.name for field in fields(Settings)} | {"train_examples"}


def test_default_settings_keep_to_the_schema() -> None:
    validate(tiny.config(training={"target": asdict(Settings())}), "config", where="c")


def test_every_key_of_the_config_is_described() -> None:
    assert [key for key, schema in SETTINGS_SCHEMA.items() if "description" not in schema] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"study: [1, 2", r"not valid YAML: .*line 1"),
        (b"study: tiny\n  restarts: 3", r"not valid YAML: .*line 2"),
        (b"study: \xff\xfe", r"not valid YAML"),
    ],
)
def test_broken_yaml_is_named_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(path)) + ": " + message):
        read_yaml(path)


def test_missing_yaml_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.yaml: no such file"):
        read_yaml(tmp_path / "gone.yaml")


def test_tagged_yaml_runs_no_code(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("study: !!python/object/apply:os.getcwd []", encoding="utf8")
    with pytest.raises(InputError, match="not valid YAML"):
        read_yaml(path)


def test_load_validated_reads_a_file(tmp_path: Path) -> None:
    path = tiny.write_yaml(tmp_path / "study.yaml", tiny.config(restarts=7))
    assert load_validated(path, "config")["restarts"] == 7


def test_did_you_mean_only_for_near_misses() -> None:
    assert did_you_mean("learning_rat", ["learning_rate", "epochs"]) == (
        " Did you mean 'learning_rate'?"
    )
    assert did_you_mean("xyz", ["learning_rate", "epochs"]) == ""


def test_unknown_lists_what_is_allowed_or_none() -> None:
    assert str(unknown("c.yaml", "task", "x", ["b", "a"])) == (
        "c.yaml: unknown task 'x'. Allowed: a, b."
    )
    assert str(unknown("c.yaml", "task", "x", [])) == "c.yaml: unknown task 'x'. Allowed: none."
