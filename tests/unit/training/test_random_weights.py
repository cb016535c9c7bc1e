"""An encoder without pretraining: drawn as its family does, by each training from its own seed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case
from torch import Tensor
from transformers import AutoModel

from interlude.encode.model_config import read_config
from interlude.files import WEIGHTS
from interlude.jobs.perform import perform
from interlude.plan.trainings import MLM, Part, Training
from interlude.training.encoder import load_encoder
from interlude.training.start import read_encoder

RANDOM = tiny.training("pair", weights="random")
Start = Callable[..., dict[str, Tensor]]


@pytest.mark.parametrize("layers", [None, 1])
def test_weights_are_those_that_transformers_draws_from_the_seed(
    model: Path, layers: int | None
) -> None:
    state = torch.get_rng_state()
    drawn = load_encoder(model, layers, None, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    config = read_config(model)
    config.num_hidden_layers = layers or config.num_hidden_layers
    torch.manual_seed(3)
    reference = AutoModel.from_config(config)
    for name, weight in drawn.state_dict().items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, reference.state_dict()[name]), name
    pretrained = load_encoder(model, layers, None).state_dict()
    assert pretrained.keys() == drawn.state_dict().keys()
    matrices = [name for name, weight in pretrained.items() if weight.dim() == 2]
    assert not any(torch.equal(pretrained[each], drawn.state_dict()[each]) for each in matrices)


def test_dropout_is_that_of_the_settings(model: Path) -> None:
    encoder: Any = load_encoder(model, None, 0.35, seed=3)
    rates = {each.p for each in encoder.modules() if isinstance(each, torch.nn.Dropout)}
    assert rates == {0.35}


def test_heads_are_drawn_from_other_numbers_and_as_without_it(
    model: Path, encoded: dict[str, Path]
) -> None:
    drawn, pretrained = (
        Case("pair", random_weights=random).built(model, encoded["pair"])[0]
        for random in (True, False)
    )
    head: Tensor = drawn.head.state_dict()["linear.weight"]
    assert torch.equal(head, pretrained.head.state_dict()["linear.weight"])
    words: Tensor = drawn.encoder.state_dict()["embeddings.word_embeddings.weight"]
    assert not torch.isin(words, head).any()


@pytest.fixture
def start(model: Path, encoded: dict[str, Path], tmp_path: Path) -> Start:
    """A function: train an encoder without a weights file, and return what it leaves."""
    shutil.copytree(model, tmp_path / "model")
    (tmp_path / "model" / WEIGHTS).unlink()

    def left(training: Training, name: str, **changes: Any) -> dict[str, Tensor]:
        folder = tmp_path / name
        files = tiny.files(tmp_path / "model", encoded["pair"], folder, keep_start=True, **changes)
        perform(tiny.job(training, files), 1, lambda _: None)
        assert files.own_start is not None
        return read_encoder(files.own_start)

    return left


def test_restarts_draw_other_weights_and_a_repetition_the_same(start: Start) -> None:
    frozen = replace(RANDOM, frozen=True)  # so that what is left is what was drawn
    first, again, other = (
        start(replace(frozen, seed=seed), name)
        for seed, name in ((5, "first"), (5, "again"), (6, "other"))
    )
    words = "embeddings.word_embeddings.weight"
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first[words], other[words])


def test_the_record_says_so_and_no_pretrained_weights_are_read(
    start: Start, tmp_path: Path
) -> None:
    start(RANDOM, "trained")
    record = tiny.read_record(tiny.files(tmp_path, tmp_path, tmp_path / "trained"))
    assert (record["weights_sha256"], record["hyperparameters"]["weights"]) == (None, "random")


def test_the_head_of_masked_language_modelling_is_drawn_as_well(start: Start) -> None:
    mlm = Part(MLM, MLM, "masked_accuracy", "", texts=RANDOM.parts)
    assert start(replace(RANDOM, parts=(mlm,)), "mlm")  # there is no file with a pretrained one


def test_an_outcome_is_taken_whatever_the_pretrained_weights_are(
    start: Start, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    start(RANDOM, "first", shared=shared)
    start(RANDOM, "again", shared=shared)
    records = [
        tiny.read_record(tiny.files(tmp_path, tmp_path, tmp_path / each))
        for each in ("first", "again")
    ]
    assert [record.get("taken_from") is None for record in records] == [True, False]
