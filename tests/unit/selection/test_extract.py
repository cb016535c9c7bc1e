"""Extractions of tiny tasks, each against transformers called plainly, example by example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModel

from interlude.encode.read import read_encoded
from interlude.errors import InputError
from interlude.files import sha256_of
from interlude.plan.extractions import FEATURES, FISHER, VOCABULARY, Extraction
from interlude.plan.methods import METHODS, Method
from interlude.plan.trainings import Part
from interlude.selection.extract import extract
from interlude.selection.extractor import Places
from interlude.training.start import resting_on, write_start


def part(form: str, examples: int | None = None) -> Part:
    return Part(f"tiny-{form}", form, tiny.METRICS[form], "declared", examples)


def extraction(form: str, kind: Any = FEATURES, **changes: Any) -> Extraction:
    fields = {"examples": None} | changes
    of = part(form, fields.pop("examples"))
    return Extraction(kind, "tiny", "declared", None, of, 32, "cpu", **fields)


@pytest.fixture(scope="module")
def started(
    model: Path, encoded: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """What trainings on some tiny tasks left, by form."""
    folder = tmp_path_factory.mktemp("starts")
    for form in ("single", "pair", "choice", "tagging"):
        leave(model, encoded, form, folder / form)
    return {form.name: form for form in folder.iterdir()}


def leave(model: Path, encoded: dict[str, Path], form: str, out: Path) -> None:
    trained = Case(form).trained(model, encoded[form])
    assert trained.encoder is not None
    assert trained.heads is not None
    write_start(out, "ok", "tiny", trained.encoder, {f"tiny-{form}": trained.heads[0]})


def done(
    of: Extraction, places: Places, out: Path
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Carry out an extraction; return its manifest and its tensors."""
    extract(of, places, out)
    manifest = json.loads((out / "manifest.json").read_text())
    return manifest, load_file(out / "extraction.safetensors")


def sequences(encoded: Path) -> Iterator[tuple[dict[str, Any], torch.Tensor]]:
    """Yield the training examples, each with its token ids, one sequence alone."""
    for row in read_encoded(encoded / "train.arrow").to_pylist():
        for ids in row["input_ids"]:
            yield row, torch.tensor([ids])


def hidden_states(model: Path, row: dict[str, Any], place: int = 0) -> torch.Tensor:
    """Return the last hidden states of a sequence of an example, [length, width]."""
    types = {"token_type_ids": torch.tensor([row["token_type_ids"][place]])}
    ids = torch.tensor([row["input_ids"][place]])
    with torch.no_grad():
        states: torch.Tensor = plain_encoder(model)(input_ids=ids, **types).last_hidden_state[0]
    return states


@cache
def plain_encoder(model: Path) -> Any:
    return AutoModel.from_pretrained(model, add_pooling_layer=False).eval()


def same_rows(actual: torch.Tensor, expected: list[torch.Tensor]) -> bool:
    """Return whether rows are the same in whatever order: all are close to one of the others."""
    distances = torch.cdist(actual.double(), torch.stack(expected).double())
    return len(actual) == len(expected) and bool(distances.min(0).values.max() < 1e-4)


@pytest.mark.parametrize("form", ["pair", "choice", "span"])
def test_a_text_is_the_mean_of_its_tokens(
    model: Path, encoded: dict[str, Path], tmp_path: Path, form: str
) -> None:
    manifest, tensors = done(extraction(form), Places(model, encoded[form]), tmp_path / "out")
    rows = read_encoded(encoded[form] / "train.arrow").to_pylist()
    means = [
        torch.stack([hidden_states(model, row, n).mean(0) for n in range(len(row["input_ids"]))])
        for row in rows
    ]
    expected = torch.stack([of_example.mean(0) for of_example in means]).mean(0)
    torch.testing.assert_close(tensors["text"], expected, atol=1e-5, rtol=1e-4)
    assert manifest["tokens"] == sum(len(ids) for row in rows for ids in row["input_ids"])


def test_features_are_what_the_head_reads_of_an_example(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    manifest, tensors = done(extraction("pair"), Places(model, encoded["pair"]), tmp_path / "out")
    rows = read_encoded(encoded["pair"] / "train.arrow").to_pylist()
    for label in (0, 1):
        own = [hidden_states(model, row)[0] for row in rows if row["label"] == label]
        assert same_rows(tensors["features"][tensors["labels"] == label], own)
    assert sorted(tensors["groups"].tolist()) == list(range(24))
    assert manifest["kind"] == "classes"
    assert manifest["lacks"]["predicted"].startswith("the start has no head")


def test_of_tags_they_are_words_as_many_as_there_are_examples(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    _, tensors = done(extraction("tagging"), Places(model, encoded["tagging"]), tmp_path / "out")
    assert len(tensors["labels"]) == 24
    rows = read_encoded(encoded["tagging"] / "train.arrow").to_pylist()
    states = [hidden_states(model, row) for row in rows]
    for features, tag, group in zip(
        *(tensors[n] for n in ("features", "labels", "groups")), strict=True
    ):
        places = zip(rows[group]["positions"], rows[group]["tags"], strict=True)
        own = torch.stack([states[group][place] for place, other in places if other == tag])
        assert (own - features).abs().max(1).values.min() < 1e-5


def test_of_choices_they_are_answers_that_are_right_or_wrong(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    manifest, tensors = done(
        extraction("choice"), Places(model, encoded["choice"]), tmp_path / "out"
    )
    rows = read_encoded(encoded["choice"] / "train.arrow").to_pylist()
    right = [hidden_states(model, row, row["label"])[0] for row in rows]
    assert same_rows(tensors["features"][tensors["labels"] == 1], right)
    assert len(tensors["labels"]) == sum(len(row["input_ids"]) for row in rows)
    counts = np.bincount(tensors["groups"])
    assert counts.tolist() == [len(row["input_ids"]) for row in rows]
    assert manifest["kind"] == "choices"


def test_options_of_a_question_are_one_group(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["answer-option"])
    _, tensors = done(extraction("answer-option"), places, tmp_path / "out")
    assert np.bincount(tensors["groups"]).tolist() == [4] * 6


def test_numbers_are_their_own_labels(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["regression"])
    manifest, tensors = done(extraction("regression"), places, tmp_path / "out")
    rows = read_encoded(encoded["regression"] / "train.arrow").to_pylist()
    assert sorted(tensors["labels"].tolist()) == sorted(row["value"] for row in rows)
    assert manifest["kind"] == "numbers"


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("span", "no one label"),
        ("multi-label", "no one label"),
        ("spans", "weights below"),
        ("span-pair", "weights below"),
        ("span-choice", "weights below"),
    ],
)
def test_a_form_without_such_rows_says_why(
    model: Path, encoded: dict[str, Path], tmp_path: Path, form: str, reason: str
) -> None:
    manifest, tensors = done(extraction(form), Places(model, encoded[form]), tmp_path / "out")
    assert tensors.keys() == {"text"}
    assert reason in manifest["lacks"]["features"]


def test_examples_are_the_first_of_those_that_a_training_takes(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    _, tensors = done(
        extraction("pair", examples=7), Places(model, encoded["pair"]), tmp_path / "out"
    )
    train = Case("pair", examples=7).data(encoded["pair"]).train
    own = [hidden_states(model, row)[0] for row in train.to_pylist()]
    assert same_rows(tensors["features"], own)


def test_the_head_of_a_source_predicts_its_own_classes(
    model: Path, encoded: dict[str, Path], started: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["pair"], started["single"])
    of = extraction("pair", start="s", head=part("single"))
    manifest, tensors = done(of, places, tmp_path / "out")
    assert "predicted" not in manifest["lacks"]
    trained, _ = Case("single").built(model, encoded["single"], started["single"])
    weights = load_file(started["single"] / "heads.safetensors")
    linear = [weights[f"tiny-single.linear.{name}"] for name in ("weight", "bias")]
    trained.eval()
    expected = []
    for row, ids in sequences(encoded["pair"]):
        types = torch.tensor(row["token_type_ids"])
        state = trained.encoder(input_ids=ids, token_type_ids=types).last_hidden_state[0, 0]
        expected.append(functional.linear(state, *linear).softmax(-1).detach())
    assert same_rows(tensors["predicted"], expected)
    rows = functional.linear(tensors["features"], *linear).softmax(-1)
    torch.testing.assert_close(tensors["predicted"], rows)


@pytest.mark.parametrize(
    ("source", "target", "predicts"),
    [
        ("tagging", "tagging", True),
        ("single", "choice", True),
        ("choice", "pair", False),
        ("tagging", "pair", False),
        ("single", "tagging", False),
    ],
)
def test_which_heads_give_which_tasks_classes(
    model: Path,
    encoded: dict[str, Path],
    started: dict[str, Path],
    tmp_path: Path,
    source: str,
    target: str,
    predicts: bool,
) -> None:
    of = extraction(target, start="s", head=part(source))
    manifest, tensors = done(of, Places(model, encoded[target], started[source]), tmp_path / "out")
    assert ("predicted" in tensors) is predicts
    assert ("gives it no classes" in manifest["lacks"].get("predicted", "")) is not predicts


def test_fisher_information_is_the_mean_squared_gradient_of_each_example(
    model: Path, encoded: dict[str, Path], started: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["pair"], started["pair"])
    _, tensors = done(extraction("pair", FISHER, start="s"), places, tmp_path / "out")
    trained, _ = Case("pair").built(model, encoded["pair"], started["pair"])
    weights = load_file(started["pair"] / "heads.safetensors")
    linear = [weights[f"tiny-pair.linear.{name}"] for name in ("weight", "bias")]
    name = "encoder.layer.0.attention.self.query.weight"
    query = trained.encoder.get_parameter(name)
    trained.eval()
    total, rows = torch.zeros_like(query), list(sequences(encoded["pair"]))
    for row, ids in rows:
        types = torch.tensor(row["token_type_ids"])
        state = trained.encoder(input_ids=ids, token_type_ids=types).last_hidden_state[0, 0]
        likelihood = functional.linear(state, *linear).log_softmax(-1)[row["label"]]
        total += torch.autograd.grad(likelihood, query)[0] ** 2
    torch.testing.assert_close(tensors[name], total.mean(1) / len(rows), rtol=1e-3, atol=1e-9)
    assert not any("embeddings" in each and "LayerNorm" not in each for each in tensors)
    assert len(tensors) == 2 + 2 * 16  # of the norm of embeddings, and of two layers


def test_of_an_adapter_the_fisher_information_is_that_of_its_own_weights(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    method: Method = METHODS["lora"](name="lora", r=2)
    trained = Case("pair", method=method).trained(model, encoded["pair"])
    assert trained.encoder is not None
    assert trained.heads is not None
    left = {f"0.{name}": each for name, each in trained.encoder.items()}
    rests = resting_on(method, sha256_of(model / "model.safetensors"))
    heads = {"tiny-pair": trained.heads[0]}
    write_start(tmp_path / "start", "ok", "tiny", left, heads, rests)
    of = extraction("pair", FISHER, start="s", method=method)
    places = Places(model, encoded["pair"], tmp_path / "start")
    _, tensors = done(of, places, tmp_path / "out")
    assert tensors.keys() == trained.encoder.keys()
    assert all(each.sum() > 0 for each in tensors.values())
    with pytest.raises(InputError, match=r"key method: found .*lora.*Allowed: .*full"):
        extract(extraction("pair", start="s"), places, tmp_path / "other")


def test_a_start_of_another_base_is_refused_and_one_without_weights_is_named(
    model: Path, encoded: dict[str, Path], started: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["pair"], started["single"])
    with pytest.raises(InputError, match=r"key model: found tiny\. Allowed: large"):
        extract(replace(extraction("pair", start="s"), model="large"), places, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_start(tmp_path / "lost", "diverged", "tiny", {}, {"tiny-single": {}})
    lost = Places(model, encoded["pair"], tmp_path / "lost")
    manifest, tensors = done(extraction("pair", start="s"), lost, tmp_path / "out")
    assert tensors == {}
    assert manifest["lacks"]["features"].endswith("has the status diverged")


def test_a_reading_is_known_by_all_that_it_depends_on() -> None:
    of = extraction("pair", start="s", head=part("single"))
    assert Extraction.from_json(of.to_json()) == of
    others = [
        extraction("pair", start="t", head=part("single")),
        extraction("pair", start="s"),
        extraction("pair", FISHER, start="s", head=part("single")),
        extraction("pair", start="s", head=part("single"), examples=3),
        replace(of, max_length=64),
        replace(of, layers=1),
        replace(of, method=METHODS["lora"](name="lora")),
    ]
    assert len({each.id for each in [of, *others]}) == 1 + len(others)


def test_a_vocabulary_is_every_token_of_the_examples(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    places = Places(model, encoded["choice"])
    manifest, tensors = done(extraction("choice", VOCABULARY), places, tmp_path / "out")
    seen = {int(each) for _, ids in sequences(encoded["choice"]) for each in ids[0]}
    assert tensors["vocabulary"].tolist() == sorted(seen)
    assert manifest["tokens"] == 0
