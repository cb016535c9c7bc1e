"""Masked language modelling: what is masked, what guesses it, and what that is worth."""

from __future__ import annotations

import copy
import json
import math
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers import tiny
from helpers.tiny_families import FAMILIES, save_family
from helpers.tiny_training import Case, outcome
from torch import nn
from transformers import AutoModelForMaskedLM, AutoTokenizer

from interlude.data.fetch.models import prepare_model
from interlude.encode.encoding import encode_task
from interlude.errors import InputError
from interlude.forms.head import TiedHead
from interlude.metrics.masked_accuracy import masked_accuracy
from interlude.plan.methods import method_of
from interlude.training.build import build_model, exact_speed_ups
from interlude.training.data import TaskData, TrainingData, alone, masked, mixed
from interlude.training.encoder import load_encoder
from interlude.training.loop import evaluate, train
from interlude.training.masked_lm_head import MaskedLmHead, fresh_head, take_pretrained
from interlude.training.masking import Vocabulary, read_vocabulary
from interlude.training.masking import masked as mask
from interlude.training.platform import Platform
from interlude.training.reference import is_constant, reference_scores

CPU = Platform(torch.device("cpu"), bf16=False)
SPECIAL, MASK, TOKENS = 4, 2, 1004  # the first 4 of 1,004 tokens are special, one of them masks
VOCABULARY = Vocabulary(np.arange(TOKENS) >= SPECIAL, MASK)
SETTINGS = tiny.settings(dropout=0.0, epochs=3, select="last")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


# What is masked


def long_text() -> list[int]:
    return [0, *rng().integers(SPECIAL, TOKENS, size=40_000).tolist(), 1]


def test_15_percent_of_the_tokens_are_masked_in_three_ways() -> None:
    ids = long_text()
    (row,) = mask([{"input_ids": [ids]}], VOCABULARY, rng())
    (after,), (places,) = row["input_ids"], row["masked"]
    assert len(places) / len(ids) == pytest.approx(0.15, abs=0.01)
    assert places == sorted(set(places))
    assert row["originals"] == [ids[place] for place in places]
    untouched = set(range(len(ids))) - set(places)
    assert all(after[place] == ids[place] for place in untouched)
    kinds = [
        "mask" if after[p] == MASK else "same" if after[p] == ids[p] else "random" for p in places
    ]
    for kind, share in (("mask", 0.8), ("random", 0.1), ("same", 0.1)):
        assert kinds.count(kind) / len(kinds) == pytest.approx(share, abs=0.015)
    assert all(after[p] >= SPECIAL for p, kind in zip(places, kinds, strict=True) if kind != "mask")


def test_special_tokens_are_never_masked_and_each_sequence_has_a_masked_token() -> None:
    sequences = [[0, 9, 1], [0, 9, 8, 1], [0, 1, 3]]
    for seed in range(50):
        (row,) = mask([{"input_ids": sequences}], VOCABULARY, rng(seed))
        assert [len(places) > 0 for places in row["masked"]] == [True, True, False]
        assert all(
            ids[place] >= SPECIAL
            for ids, places in zip(sequences, row["masked"], strict=True)
            for place in places
        )


def test_special_tokens_are_those_of_the_tokenizer(model: Path) -> None:
    vocabulary, tokenizer = read_vocabulary(model), AutoTokenizer.from_pretrained(model)
    assert set(np.flatnonzero(~vocabulary.ordinary)) == set(tokenizer.all_special_ids)
    assert vocabulary.mask == tokenizer.mask_token_id


def test_without_a_mask_token_there_is_one_message(model: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(model, tmp_path / "model"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["mask_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"the tokenizer has no mask_token .* Allowed: a model"):
        read_vocabulary(folder)


@pytest.fixture
def texts(encoded: dict[str, Path], model: Path) -> TaskData:
    """The texts of a task of pairs, to mask."""
    torch.set_num_threads(1)
    return masked([Case("pair", SETTINGS).data(encoded["pair"])], model, pretrained=True)


def test_what_is_measured_is_masked_once_and_for_all(
    texts: TaskData, encoded: dict[str, Path], model: Path
) -> None:
    pair = Case("pair", SETTINGS).data(encoded["pair"])
    again = masked([pair], model, pretrained=False)
    assert texts.validation.equals(again.validation)
    assert texts.train["input_ids"].equals(pair.train["input_ids"])
    assert texts.validation["id"].equals(pair.validation["id"])
    assert not texts.validation["input_ids"].equals(pair.validation["input_ids"])


def test_texts_of_several_tasks_and_of_several_sequences_stand_together(
    encoded: dict[str, Path], model: Path
) -> None:
    parts = [Case(form, SETTINGS).data(encoded[form]) for form in ("choice", "tagging", "span")]
    both = masked(parts, model, pretrained=True)
    assert both.train.num_rows == sum(part.train.num_rows for part in parts)
    result = train(
        build_model(model, None, alone(both), SETTINGS, 5),
        *(alone(both), SETTINGS, 5, CPU, False, lambda *_: None),
    )
    assert not result.diverged
    assert len(result.part.predictions) == both.validation.num_rows


def test_texts_without_a_word_are_left_out(model: Path, encoded: dict[str, Path]) -> None:
    pair = Case("pair", SETTINGS).data(encoded["pair"])
    ids = pair.train["input_ids"].to_pylist()
    for kept in (1, 0):
        changed = [*ids[:kept], *([[[2, 3]]] * (len(ids) - kept))]
        place = pair.train.column_names.index("input_ids")
        column = pa.array(changed, pair.train.schema.field("input_ids").type)
        few = TaskData(**{**vars(pair), "train": pair.train.set_column(place, "input_ids", column)})
        if kept:
            assert masked([few], model, pretrained=True).train.num_rows == 1
        else:
            with pytest.raises(InputError, match="part mlm: found no text in train"):
                masked([few], model, pretrained=True)


# What guesses


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Family -> folder of a tiny model with a masked-LM head of its own; and that model."""
    root = tmp_path_factory.mktemp("families")

    @cache
    def save(family: str) -> tuple[Path, Any]:
        folder = save_family(family, root / family)
        torch.manual_seed(2)
        whole = AutoModelForMaskedLM.from_pretrained(folder)
        with torch.no_grad():
            for weight in whole.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        whole.save_pretrained(folder)
        declared = {"name": family, "title": family, "licence": "none", "folder": str(folder)}
        path = tiny.write_yaml(root / f"{family}.yaml", declared)
        prepare_model(path, root / "archives.yaml", root / "prepared" / family)
        return root / "prepared" / family, whole.eval()

    return save


@pytest.mark.parametrize("family", FAMILIES)
def test_the_head_of_a_checkpoint_scores_as_its_own_model_does(family: str, saved: Any) -> None:
    folder, whole = saved(family)
    head = fresh_head(folder, whole.config.hidden_size)
    assert take_pretrained(head, folder)
    encoder: Any = load_encoder(folder, None, 0.0).eval()
    head.tie(encoder.get_input_embeddings())
    ids = torch.arange(6, 18).reshape(2, 6)
    with torch.inference_mode():
        ours = head.scores(encoder(input_ids=ids).last_hidden_state)
        torch.testing.assert_close(ours, whole(input_ids=ids).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns_from_masked_texts(family: str, saved: Any, tmp_path: Path) -> None:
    folder, _ = saved(family)
    rows = tiny.rows("pair", 16)
    tiny.write_task(tmp_path / "data", "pair", {"train": rows[:8], "validation": rows[8:]})
    encode_task(tmp_path / "data", tmp_path / "encoded", "pair", folder, 40)
    settings = tiny.settings(epochs=1, evaluations=1, max_length=40)
    pair = Case("pair", settings).data(tmp_path / "encoded")
    both = mixed([pair, masked([pair], folder, pretrained=True)], "size", "mixed", "mean")
    model = build_model(folder, None, both, settings, 5)
    encoder: Any = model.encoder
    before = encoder.get_input_embeddings().weight.detach().clone()
    result = train(model, both, settings, 5, CPU, True, lambda *_: None)
    assert not result.diverged
    after = encoder.get_input_embeddings().weight.detach()
    moved = (before != after).any(dim=1)
    assert moved.sum() > len(before) * 0.9, "all rows of the decoder have a gradient"


def test_a_checkpoint_without_a_head_gives_a_fresh_one(model: Path) -> None:
    torch.manual_seed(3)
    head = fresh_head(model, 32)
    before, state = head.dense.weight.clone(), torch.get_rng_state()
    assert not take_pretrained(head, model)
    assert torch.equal(head.dense.weight, before)
    assert torch.equal(torch.get_rng_state(), state), "what is drawn later does not depend on it"


def test_decoder_and_embedding_are_one_parameter(texts: TaskData, model: Path) -> None:
    built = build_model(model, None, alone(texts), SETTINGS, 5)
    encoder: Any = built.encoder
    (head,) = built.heads
    assert isinstance(head, TiedHead)
    assert head.tied is encoder.get_input_embeddings().weight
    names = [name for name, _ in built.named_parameters() if "word_embeddings" in name]
    assert names == ["encoder.embeddings.word_embeddings.weight"]
    kept = ("dense.weight", "dense.bias", "norm.weight", "norm.bias", "bias")
    assert {*head.state_dict()} == {*kept}


def test_the_gradient_of_the_embedding_comes_from_both_sides() -> None:
    torch.manual_seed(0)
    words, head = nn.Embedding(7, 4), MaskedLmHead(4, 4, 7, "gelu")
    numbers = {"sequence": 0, "place": 1, "token": 5}
    targets = {name: torch.tensor([number]) for name, number in numbers.items()}
    ids = torch.tensor([[2, 3]])

    def gradient(read: nn.Embedding, guessed: nn.Embedding) -> torch.Tensor:
        words.zero_grad()
        head.tie(guessed)
        head(read(ids), targets).loss.backward()
        assert words.weight.grad is not None
        return words.weight.grad.clone()

    other = copy.deepcopy(words)
    both, as_read, as_guessed = (
        gradient(*each) for each in ((words, words), (words, other), (other, words))
    )
    torch.testing.assert_close(both, as_read + as_guessed)
    assert as_read.abs().sum(dim=1).gt(0).tolist() == [False] * 3 + [True] + [False] * 3
    assert as_guessed.abs().sum(dim=1).gt(0).all()


# What it is worth


def test_scores_are_the_share_of_right_tokens_and_the_perplexity() -> None:
    predicted = [
        {"tokens": [5, 6], "surprisals": [math.log(2), math.log(8)]},
        {"tokens": [7], "surprisals": [math.log(4)]},
    ]
    scores = masked_accuracy(predicted, [[5, 9], [7]])
    assert list(scores) == ["masked_accuracy", "perplexity"]
    assert scores == pytest.approx({"masked_accuracy": 2 / 3, "perplexity": 4})
    hopeless = [{"tokens": [1], "surprisals": [1e30]}]
    assert math.isfinite(masked_accuracy(hopeless, [[2]])["perplexity"])


def test_majority_is_the_share_of_the_most_frequent_token_and_chance_one_of_all(
    texts: TaskData, model: Path
) -> None:
    gold = [token for text in texts.form.gold(texts.validation_rows()) for token in text]
    majority, chance = reference_scores(texts)
    assert majority == max(map(gold.count, gold)) / len(gold)
    assert chance == pytest.approx(1 / read_vocabulary(model).ordinary.sum(), abs=0.02)


def test_one_token_for_all_is_a_constant_prediction(texts: TaskData) -> None:
    def predictions(*tokens: int) -> list[Any]:
        return [{"tokens": [token], "surprisals": [0.1 * token]} for token in tokens]

    assert is_constant(texts, predictions(5, 5, 5))
    assert not is_constant(texts, predictions(5, 5, 6))


def test_masked_tokens_are_learnt(texts: TaskData, model: Path) -> None:
    settings = tiny.settings(epochs=30, batch_size=8, evaluations=1)
    built = build_model(model, None, alone(texts), settings, 5)
    (before, _), majority = evaluate(built, texts, CPU), reference_scores(texts)[0]
    result = train(built, alone(texts), settings, 5, CPU, True, lambda *_: None)
    assert result.part.scores["masked_accuracy"] > majority + 0.1
    assert result.part.scores["perplexity"] < before["perplexity"] / 2


# What it does to other trainings


def data_of(encoded: dict[str, Path], *forms: str) -> list[TaskData]:
    return [Case(form, SETTINGS).data(encoded[form]) for form in forms]


def test_speed_ups_that_do_not_hold_are_off(encoded: dict[str, Path], model: Path) -> None:
    def speed_ups(data: TrainingData) -> dict[str, bool]:
        return exact_speed_ups(build_model(model, None, data, SETTINGS, 5))

    pair, tagging = data_of(encoded, "pair", "tagging")
    texts = masked([pair], model, pretrained=True)
    assert speed_ups(alone(pair)) == {"used_rows": True, "first_token_only": True}
    assert speed_ups(alone(tagging)) == {"used_rows": True, "first_token_only": False}
    both = mixed([pair, texts], "size", "mixed", "mean")
    assert speed_ups(both) == {"used_rows": False, "first_token_only": False}


def test_an_adapter_is_trained_under_a_decoder_that_stays(texts: TaskData, model: Path) -> None:
    built = build_model(model, None, alone(texts), SETTINGS, 5, method=method_of({"name": "lora"}))
    head = built.head
    assert isinstance(head, TiedHead)
    before = head.tied.detach().clone()
    result = train(built, alone(texts), SETTINGS, 5, CPU, True, lambda *_: None)
    assert not result.diverged
    assert torch.equal(head.tied, before)


def test_the_masks_of_a_step_follow_from_seed_and_step(texts: TaskData, model: Path) -> None:
    def trained(seed: int) -> dict[str, Any]:
        built = build_model(model, None, alone(texts), SETTINGS, 5)
        return outcome(train(built, alone(texts), SETTINGS, seed, CPU, True, lambda *_: None))

    assert trained(5) == trained(5)
    assert trained(5) != trained(6)
