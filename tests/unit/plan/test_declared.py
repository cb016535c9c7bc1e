"""Messages for people when a config or a YAML file breaks its model; defaults when it does not."""

from __future__ import annotations

import copy
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import tiny
from pydantic import ValidationError

from interlude.data.fetch.archives import Pins
from interlude.data.fetch.mirror import Cuts
from interlude.errors import InputError, did_you_mean, unknown
from interlude.plan.config import SETTINGS, Config, Encoder
from interlude.plan.declared import checked, read
from interlude.plan.models import load_model
from interlude.plan.settings import Settings
from interlude.plan.tasks import load_task

CONTRAST = {"arm": "stilts", "against": "single"}
STUDY = Config.model_fields["study"].description
MODEL = Encoder.model_fields["model"].description

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
    ("selection", {"methods": ["sise"]}, ["selection.methods.0", "Did you mean 'size'?", "logme"]),
    (
        "selection",
        {"methods": ["size+logmee"]},
        ["found logmee.", "Did you mean 'logme'?", "Allowed: random, static"],
    ),
    ("recommend", {"task": "a", "budget": "days"}, ["recommend.budget", "hours"]),
    ("selection", {"methods": []}, ["key selection.methods", "1 or more"]),
    ("overrides.target.tiny-pair.epoch", 3, ["key overrides.target.tiny-pair", "'epochs'?"]),
    ("restarts", 0, ["key restarts", "found 0", "1 to 100", "at least 1"]),
    ("restarts", 101, ["key restarts", "found 101", "at most 100"]),
    ("restarts", "three", ["key restarts", "found 'three'", "a whole number"]),
    ("restarts", True, ["key restarts", "found true", "a whole number"]),
    ("restarts", 3.0, ["key restarts", "found 3.0", "a whole number"]),
    ("seed", -1, ["key seed", "found -1", "at least 0"]),
    ("seeds", [{"intermediate": 1, "target": 2}], ["key seeds.0", "no key 'probing'"]),
    ("seeds", [-1], ["key seeds.0: found -1", "below 2^32"]),
    ("seeds", ["x"], ["key seeds.0: found 'x'", "for all roles, or {intermediate, target, prob"]),
    ("seeds", [[1]], ["key seeds.0: found [1]", "for all roles, or {intermediate, target, prob"]),
    ("seeds", 5, ["key seeds: found 5", "as many entries as restarts", "a list"]),
    ("self_transfer", "maybe", ["key self_transfer", "found 'maybe'", "true or false"]),
    ("arms", {}, ["key arms", "found {}", "1 or more"]),
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
    ("contrasts", [{"arm": "stilts"}], ["key contrasts.0", "no key 'against' (lower case"]),
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
    ("target", "tiny-pair", ["key target", "'tiny-pair'", "a list"]),
    ("target", ["tiny-pair", "tiny-pair"], ["key target", "each once"]),
    ("target", ["Tiny Pair"], ["key target.0", "'Tiny Pair'", "lower case"]),
    ("encoder.layers", 0, ["key encoder.layers", "found 0"]),
    ("compute.device", "gpu", ["key compute.device", "'gpu'", "Allowed: auto, cpu, cuda"]),
    ("compute.precision", "fp16", ["'fp16'", "Did you mean 'bf16'?", "auto, fp32, bf16"]),
    ("missing_runs", "reports", ["key missing_runs", "Did you mean 'report'?"]),
    ("degenerate.margin", 1.5, ["key degenerate.margin", "found 1.5", "0 to 1"]),
    ("training.target.epochs", 0, ["key training.target.epochs", "found 0", "above 0"]),
    ("training.target.learning_rate", "0.1", ["learning_rate", "found '0.1'", "a number"]),
    ("training.target.learning_rate", float("nan"), ["learning_rate", "found nan"]),
    ("training.target.gradient_clip", float("inf"), ["gradient_clip", "found inf"]),
    ("training.target.dropout", 1, ["key training.target.dropout", "found 1", "below 1"]),
    ("training.target.select", "first", ["select", "'first'", "Allowed: best, last"]),
    ("training.target.batch_size", 16.5, ["batch_size", "found 16.5"]),
    ("overrides.target.tiny-pair.warmup", 2, ["overrides.target.tiny-pair.warmup", "found 2"]),
    ("overrides.target", {3: {}}, ["key overrides.target", "found 3"]),
    ("study", "tiny\n", ["key study", "found 'tiny\\n'", "lower case"]),
    ("study", 3, ["key study", "found 3", "text"]),
    ("grid", {"learning_rate": [1e-5, 1e-5]}, ["key grid.learning_rate", "each once"]),
    ("grid", {"epochs": [True]}, ["key grid.epochs.0", "found true", "a number"]),
    ("sweep", {"warmup": [0.1]}, ["key sweep", "'warmup'", "Allowed: batch_size, dropout"]),
    ("contrasts", [CONTRAST, CONTRAST], ["key contrasts", "each once"]),
    ("arms.mtl", [{"parts": ["all"], "retrain": None}], ["key arms.mtl.0.retrain", "found null"]),
    ("sizes", {"tiny-choice": [5, True]}, ["key sizes.tiny-choice.1", "found true"]),
    ("sizes", {"Tiny": [5]}, ["key sizes", "found 'Tiny'", "lower case"]),
    ("compare", {"names": {}}, ["key compare", "no key 'study'", "Needed: study"]),
    ("published", "pruksachatkum", ["Did you mean 'pruksachatkun'?", "pruksachatkun, null"]),
    ("statistics.alpha", 1, ["key statistics.alpha", "found 1", "below 1"]),
    ("compute.runs_per_gpu", 0, ["compute.runs_per_gpu: found 0", "1 to 64; or auto", "least 1"]),
    ("compute.runs_per_gpu", 65, ["found 65", "1 to 64; or auto", "at most 64"]),
    ("compute.runs_per_gpu", "all", ["found 'all'", "1 to 64; or auto"]),
    ("compute.runs_per_gpu", 2.0, ["found 2.0", "1 to 64; or auto", "a whole number"]),
    ("compute.shared", "", ["key compute.shared", "found ''", "at least 1 character"]),
    ("training", None, ["key training", "found null", "a mapping"]),
]


def config(document: Any) -> Config:
    return checked(Config, document, where="study.yaml")


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
        config(with_value(key, value))
    for part in ["study.yaml: ", *parts]:
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("study", f"top level: no key 'study' ({STUDY}). Needed: study, encoder."),
        ("encoder", "top level: no key 'encoder'. Needed: study, encoder."),
        ("encoder.model", f"key encoder: no key 'model' ({MODEL}). Needed: model."),
    ],
)
def test_required_key_is_named(key: str, message: str) -> None:
    document = tiny.config()
    place = document["encoder"] if "." in key else document
    del place[key.rpartition(".")[2]]
    with pytest.raises(InputError) as raised:
        config(document)
    assert str(raised.value) == f"study.yaml: {message}"


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"restart": 2, "restarts": 0}, "top level: unknown key 'restart'"),
        ({"restarts": 0, "encoder": {}}, "key encoder: no key 'model'"),
        ({"restarts": 0, "compute": {"threads": 0}}, "key restarts: found 0"),
        ({"encoder": {"modle": "tiny"}}, "key encoder: unknown key 'modle'. Did you mean 'model'?"),
    ],
    ids=["unknown before wrong", "missing before wrong", "in order", "unknown before missing"],
)
def test_one_fault_is_named_of_several(changes: dict[str, Any], first: str) -> None:
    with pytest.raises(InputError) as raised:
        config(tiny.config(**changes))
    assert str(raised.value).startswith(f"study.yaml: {first}")


def test_a_study_may_leave_roles_without_tasks() -> None:
    checked_config = config(
        {"study": "tiny", "encoder": {"model": "tiny"}, "target": ["tiny-pair"]}
    )
    assert [checked_config.tasks(role) for role in ("intermediate", "target")] == [
        [],
        ["tiny-pair"],
    ]


def test_arms_of_all_four_papers_are_allowed() -> None:
    arms = {
        "single": [{"parts": ["task"]}],
        "stilts": [{"parts": ["source"], "retrain": False}, {"parts": ["task"]}],
        "mlm": [{"parts": ["source", "mlm"], "sampler": "proportional"}, {"parts": ["task"]}],
        "mtl": [{"parts": ["source", "task"], "sampler": "dynamic"}],
        "mtl-all": [{"parts": ["all"], "sampler": "size", "examples": 1000}],
    }
    contrasts = [CONTRAST, {"arm": "mtl", "against": "stilts"}]
    grid = {"learning_rate": [5.0e-6, 1.0e-5], "batch_size": [8, 16], "warmup": [0, 0.2]}
    told = {"contrasts": contrasts, "grid": grid, "self_transfer": False, "seeds": [1, 2, 3]}
    filled = config(tiny.config(arms=arms, **told))
    dumped = filled.model_dump(exclude_unset=True)
    assert {key: dumped[key] for key in told} == told
    assert dumped["arms"] == arms
    assert filled.arms is not None
    assert filled.arms["mlm"][0].method is None
    assert filled.arms["single"][0].sampler == "uniform"


def test_a_config_with_arms_can_be_told_with_its_defaults() -> None:
    """Without a warning, which pytest takes as an error."""
    stages = [{"parts": ["task"]}, {"parts": ["task"], "method": {"name": "lora", "r": 4}}]
    told = config(tiny.config(arms={"two": stages})).model_dump()["arms"]["two"]
    assert told[0]["method"] is None
    assert told[1]["method"]["r"] == 4


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_that_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match=r"study\.yaml: expected a mapping of keys, found"):
        config(document)


def test_defaults_are_filled_at_every_level() -> None:
    filled = config(tiny.config(compute={"threads": 2})).model_dump()
    assert filled["restarts"] == 3
    assert [filled[key] for key in ("seeds", "arms", "contrasts", "grid")] == [None, None, [], None]
    assert filled["self_transfer"] is True
    full = {"method": {"name": "full"}, "adapter": "continue"}
    assert filled["encoder"] == {"model": "tiny", "layers": None, "weights": "pretrained", **full}
    assert filled["training"] == filled["overrides"] == {}
    assert filled["degenerate"].items() >= {"constant": True, "chance": True, "margin": 0}.items()
    assert filled["compute"] == {
        "device": "auto",
        "precision": "auto",
        "threads": 2,
        "runs_per_gpu": 1,
        "checkpoint_minutes": 15,
        "retries": 0,
        "shared": "results/shared",
    }
    assert filled["task_folders"] == ["config/tasks"]


def test_a_document_stays_as_it_was_written() -> None:
    document = tiny.config(compute={"threads": 2})
    before = copy.deepcopy(document)
    config(document)
    assert document == before


def test_filled_defaults_belong_to_one_config_alone_and_a_config_is_not_changed() -> None:
    first, second = config(tiny.config()), config(tiny.config())
    first.task_folders.append("elsewhere")
    assert second.task_folders == ["config/tasks"]
    with pytest.raises(ValidationError, match="frozen"):
        first.restarts = 5  # type: ignore[misc]


def test_a_config_stays_valid_once_filled() -> None:
    filled = config(tiny.config())
    assert config(filled.model_dump()) == filled


def test_numbers_and_orders_are_kept_as_they_are_written() -> None:
    """Ids are digests of them: 3 is not 3.0, and the points of a grid have numbers."""
    grid = {"warmup": [0, 0.5], "epochs": [3, 2.0]}
    settings = {"epochs": 2, "weight_decay": 0}
    filled = config(tiny.config(grid=grid, training={"target": settings}, degenerate={"margin": 0}))
    assert repr(filled.grid) == repr(grid)
    assert repr(filled.training["target"]) == repr(settings)
    assert repr(filled.degenerate.margin) == "0"


def test_settings_that_a_config_gives_are_those_of_a_training_with_their_defaults() -> None:
    # How many examples of a task are used, and in which unit its numbers are, is a part's.
    known = {name: each.default for name, each in SETTINGS.model_fields.items()}
    assert known == {**asdict(Settings()), "train_examples": None, "standardise": True}
    assert [each.name for each in fields(Settings) if "description" not in each.metadata] == []


def test_default_settings_keep_to_their_limits() -> None:
    config(tiny.config(training={"target": asdict(Settings())}))


# The other files

PIN = {"package": "a", "version": "1", "file": "a.whl", "sha256": "0" * 64}
CUT = {"splits": {"train": "a[:80%]", "validation": "a[80%:]"}}
SOURCES = "Allowed: exactly one of archive (with members), files, hub, own and generated."


def refused(message: str, kind: Any, folder: Path, document: Any) -> None:
    path = tiny.write_yaml(folder / "tiny-pair.yaml", document)
    with pytest.raises(InputError) as raised:
        kind(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"form": "pear"}, "key form: found 'pear'. Did you mean 'pair'? Allowed: answer-option, "),
        ({"metric": "acuracy"}, "key metric: found 'acuracy'. Did you mean 'accuracy'? Allowed: "),
        ({"source": {}}, f"key source: found none of them. {SOURCES}"),
        ({"source": {"archive": "a"}}, f"key source: found archive. {SOURCES}"),
        (
            {"source": {"files": {"all": "a"}, "hub": {"id": "a/b"}}},
            f"key source: found files, hub. {SOURCES}",
        ),
        ({"source": {"hub": {"id": "a b"}}}, "key source.hub.id: found 'a b'. Allowed: owner and"),
        ({"source": {"hub": None}}, "key source.hub: found null. Allowed: a data set on the hub"),
        ({"source": {"files": {"a b": "x"}}}, "key source.files: found 'a b'. Allowed: name of a"),
        (
            {"splits": {"train": "all"}},
            "key splits: no key 'validation' (a slice, such as validation or all[70%:]). ",
        ),
        (
            {"labels": ["yes", "yes"]},
            "key labels: found ['yes', 'yes']. Allowed: two or more names",
        ),
        ({"labels": ["yes", True]}, "key labels.1: found true. Allowed: text"),
        ({"published": {"train": 9.0}}, "key published.train: found 9.0. Allowed: a number of exa"),
        ({"columns": []}, "key columns: found []. Allowed: for each normalised column"),
        (
            {"columns": {"text_a": "a", "txt_b": "b", "label": "l"}},
            "key columns: unknown key 'txt_b'. Did you mean 'text_b'? Allowed: label, t",
        ),
        (
            {"columns": {"text_a": "a", "label": "l"}},
            "Needed: text_a, text_b, label.",
        ),
        (
            {"columns": {"text_a": "a", "text_b": 3, "label": "l"}},
            "key columns.text_b: found 3. Allowed: a source column, or a template",
        ),
    ],
)
def test_a_fault_in_a_task_file_is_named(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    refused(message, load_task, tmp_path, tiny.task_file("pair") | changes)


# What users write, and what they are told to write instead.
WRITE = [
    (
        "labels: [no, yes]",
        "key labels.0: found false. Allowed: text. YAML reads no, yes, on and off as true or false"
        ': write the word in quotes, such as "no".',
    ),
    (
        "labels: [0, 1]",
        "key labels.0: found 0. Allowed: text. YAML reads a number: write it in quotes, such as "
        '"0".',
    ),
    (
        "labels: [2026-01-01, b]",
        "key labels.0: found 2026-01-01. Allowed: text. YAML reads a date: write it in quotes, "
        'such as "2026-01-01".',
    ),
    (
        "labels: bad, good",
        "key labels: found 'bad, good'. Allowed: two or more names of labels in the order of their "
        "number; .* Write a list in brackets: [bad, good].",
    ),
    ("metric: off", 'key metric: found false. .* write the word in quotes, such as "no".'),
    (
        "published: {train: 1e3}",
        "key published.train: found '1e3'. .* YAML reads 1e3 as text: write 1000.",
    ),
    ('published: {train: "5"}', ".* found '5'. .* It is text: in a file, write 5 without quotes."),
    (
        "splits: all",
        "key splits: found 'all'. .* (a mapping with the keys train, validation).",
    ),
    (
        "hub: {id: a/b}",
        "top level: unknown key 'hub'. It belongs under source or under evaluate. Allowed: .*",
    ),
    (
        "text_a: review",
        "top level: unknown key 'text_a'. It belongs under columns. Allowed: .*",
    ),
    (
        "source: {files: {all: a.csv}, metric: accuracy}",
        "key source: unknown key 'metric'. It belongs at the top level. Allowed: .*",
    ),
    (
        "columns: {text_a: a, text_b: b, label: c, metric: accuracy}",
        "key columns: unknown key 'metric'. It belongs at the top level. Allowed: .*",
    ),
    ("license: MIT", "top level: unknown key 'license'. Did you mean 'licence'? Allowed: .*"),
]


@pytest.mark.parametrize(("written", "message"), WRITE, ids=[written for written, _ in WRITE])
def test_a_message_says_how_to_write_what_is_meant(
    written: str, message: str, tmp_path: Path
) -> None:
    path = tiny.write_yaml(tmp_path / "tiny-pair.yaml", tiny.task_file("pair"))
    key = written.partition(":")[0]
    kept = re.sub(rf"^{key}:.*\n(?:[ -].*\n)*", "", path.read_text(), flags=re.MULTILINE)
    path.write_text(f"{kept}{written}\n")
    with pytest.raises(InputError) as raised:
        load_task(path)
    pattern = re.escape(f"{path}: {message}").replace(re.escape(".*"), ".*")
    assert re.fullmatch(pattern, str(raised.value))


def test_a_missing_licence_is_told_with_its_meaning(tmp_path: Path) -> None:
    document = tiny.task_file("pair")
    del document["licence"]
    meaning = "no key 'licence' (licence of the data, and whether it is confirmed). Needed: name, "
    refused(f"top level: {meaning}", load_task, tmp_path, document)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("2e-5", "2.0e-5"),
        ("2E-05", "2.0e-5"),
        ("1e5", "100000"),
        ("15e-8", "1.5e-7"),
        ("1e300", "1.0e+300"),
        ("5e-1", "0.5"),
    ],
)
def test_a_number_that_yaml_reads_as_text_is_told_as_yaml_has_it(written: str, number: str) -> None:
    assert isinstance(yaml.safe_load(written), str)
    assert yaml.safe_load(number) == float(written)
    with pytest.raises(InputError, match=f"text: write {re.escape(number)}\\.$"):
        config(with_value("training.target.steps", written))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("training.target.learning_rate", "2e-5", 2e-5),
        ("training.target.learning_rate", "2E-05", 2e-5),
        ("overrides.target.tiny-pair.weight_decay", "1.5e-2", 1.5e-2),
        ("grid.learning_rate", ["1e-5", 2.0e-5], [1e-5, 2e-5]),
        ("sweep.learning_rate", ["1e-5", 2.0e-5], [1e-5, 2e-5]),
        ("encoder.method", {"name": "lora", "alpha": "1e1"}, {"alpha": 10.0}),
        ("retrain_intermediate", "false", False),
        ("retrain_intermediate", "True", True),
        ("training.probing.standardise", "no", False),
    ],
)
def test_text_that_can_only_be_a_number_or_a_truth_is_one(key: str, text: Any, value: Any) -> None:
    """So `2e-5` and `--config flag=false` are what their writer means."""
    document = with_value(key, text)
    before = copy.deepcopy(document)
    found: Any = config(document).model_dump()
    for part in key.split("."):
        found = found[part]
    assert found == value if not isinstance(value, dict) else found.items() >= value.items()
    assert document == before


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("training.target.learning_rate", "0.5"),
        ("training.target.learning_rate", "1e-5 "),
        ("training.target.learning_rate", "1e999"),
        ("training.target.learning_rate", "2e5"),
        ("retrain_intermediate", "maybe"),
        ("retrain_intermediate", "1"),
    ],
)
def test_other_text_stays_text_where_a_number_or_a_truth_is_due(key: str, text: str) -> None:
    with pytest.raises(InputError, match=f"key {re.escape(key)}: found"):
        config(with_value(key, text))


def test_a_label_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    document = {**tiny.task_file("single"), "labels": ["1e5", "no"]}
    path = tiny.write_yaml(tmp_path / "tiny-single.yaml", document)
    assert load_task(path).labels == ["1e5", "no"]


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("learning_rate", "under arms.<name>.<number> or under grid or under training.<"),
        ("model", "under encoder. "),
        ("resamples", "under statistics. "),
        ("training.target.restarts", "at the top level. "),
        ("encoder.sampler", "under arms.<name>.<number>. "),
    ],
)
def test_a_key_of_another_place_is_told_where_it_belongs(key: str, place: str) -> None:
    with pytest.raises(InputError, match=re.escape(f" It belongs {place}")):
        config(with_value(key, 1))


@pytest.mark.parametrize(
    ("document", "found"),
    [(None, "nothing"), ([], "a list"), ("text", "text"), (3, "a number"), (True, "true or false")],
)
def test_a_file_that_is_no_mapping_is_told_in_words(document: Any, found: str) -> None:
    with pytest.raises(
        InputError, match=f"^study.yaml: expected a mapping of keys, found {found}."
    ):
        config(document)


def test_a_message_is_short_and_in_one_line_whatever_was_found() -> None:
    for value in ["x" * 10_000, [["y"] * 1000] * 1000, {"a\nb" * 1000: 1}]:
        with pytest.raises(InputError) as raised:
            config(with_value("restarts", value))
        assert len(str(raised.value)) < 400
        assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=r"^study.yaml: top level: unknown key 'a\\nb'"):
        config(tiny.config(**{"a\nb": 1}))


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (3, "key columns.choices: found 3. Allowed: a column that holds a list, or a list of two"),
        (["a"], "key columns.choices: found ['a']. Allowed: a column that holds a list, or a list"),
        (["a", ""], "key columns.choices.1: found ''. Allowed: "),
    ],
)
def test_choices_are_one_column_or_several(choices: Any, message: str, tmp_path: Path) -> None:
    columns = {"text": "text", "choices": choices, "label": "label"}
    refused(message, load_task, tmp_path, tiny.task_file("choice") | {"columns": columns})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folder": None}, "key folder: found null. Allowed: a folder of your own"),
        (
            {"hub": {"id": "a/b"}},
            "top level: found folder, hub. Allowed: exactly one of archives (",
        ),
        ({"weights_sha256": "0" * 63}, "key weights_sha256: found '000"),
        ({"archives": [{"achive": "a"}]}, "key archives.0: unknown key 'achive'. Did you mean"),
        ({"title": "=1+1"}, "key title: found '=1+1'. Allowed: short name"),
    ],
)
def test_a_fault_in_a_model_file_is_named(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    refused(message, load_model, tmp_path, tiny.model_file(**changes))


def test_archives_of_a_model_need_the_hash_of_its_weights(tmp_path: Path) -> None:
    document = tiny.model_file(archives=[{"archive": "a"}])
    del document["folder"]
    message = "top level: found archives. Allowed: exactly one of archives (with weights_sha256)"
    refused(message, load_model, tmp_path, document)


@pytest.mark.parametrize(
    ("kind", "document", "message"),
    [
        (Pins, {"a": PIN | {"sha": "0"}}, "key a: unknown key 'sha'. Did you mean 'sha256'?"),
        (Pins, {"a": PIN | {"file": "a.zip"}}, "key a.file: found 'a.zip'. Allowed: file name of"),
        (Pins, {"a": PIN | {"version": 1.0}}, "key a.version: found 1.0. Allowed: exact version"),
        (Pins, {"A": PIN}, "top level: found 'A'. Allowed: lower case"),
        (Pins, {"a": None}, "key a: found null. Allowed: a mapping"),
        (Cuts, {"a": {}}, "key a: no key 'splits' (what to train and to validate on, as in a task"),
        (Cuts, {"a": CUT | {"dataset": None}}, "key a.dataset: found null. Allowed: the data set"),
        (Cuts, {"a": CUT | {"inputs": "all"}}, "key a.inputs: found 'all'. Allowed: names of"),
    ],
)
def test_a_fault_in_archives_or_cuts_of_a_mirror_is_named(
    kind: Any, document: Any, message: str, tmp_path: Path
) -> None:
    refused(message, lambda path: read(kind, path), tmp_path, document)


def test_a_file_is_read_as_a_model(tmp_path: Path) -> None:
    path = tiny.write_yaml(tmp_path / "study.yaml", tiny.config(restarts=7))
    assert read(Config, path).restarts == 7


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
