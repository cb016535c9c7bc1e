"""The last layer at the first token alone: the same numbers as the whole layer, for less work."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny import FORMS as TINY_FORMS
from helpers.tiny_families import untrained
from torch import nn

from interlude.encode.read import read_encoded, read_header
from interlude.forms import form_of
from interlude.training.batches import collate
from interlude.training.first_token import FAMILIES, FirstTokenLayer, read_first_token_only

HIDDEN = 16


def encoder(model_type: str, attention: str) -> Any:
    without_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return untrained(
        model_type, attn_implementation=attention, initializer_range=0.3, **without_dropout
    )


def batch() -> dict[str, torch.Tensor]:
    """Three sequences, one of them padded."""
    torch.manual_seed(6)
    ids = torch.randint(1, 60, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("model_type", FAMILIES)
def test_first_token_and_all_gradients_are_those_of_the_whole_layer(
    model_type: str, attention: str
) -> None:
    whole = encoder(model_type, attention)
    short = copy.deepcopy(whole)
    read_first_token_only(short)
    assert list(short.state_dict()) == list(whole.state_dict())

    first = whole(**batch()).last_hidden_state[:, :1]
    alone = short(**batch()).last_hidden_state
    torch.testing.assert_close(alone, first)
    weights = torch.randn(HIDDEN)
    (first @ weights).sum().backward()
    (alone @ weights).sum().backward()
    for (name, one), other in zip(whole.named_parameters(), short.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, msg=name)


def test_it_takes_a_fraction_of_the_last_layers_products() -> None:
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    model = encoder("bert", "eager")
    with FlopCounterMode(display=False) as before:
        model(**batch())
    read_first_token_only(model)
    with FlopCounterMode(display=False) as after:
        model(**batch())
    assert after.get_total_flops() < 0.8 * before.get_total_flops()


def test_another_family_keeps_its_last_layer() -> None:
    model = untrained("mpnet")
    read_first_token_only(model)
    assert not any(isinstance(part, FirstTokenLayer) for part in model.modules())


@pytest.mark.parametrize("name", TINY_FORMS)
def test_a_form_says_truly_what_its_head_reads(name: str, encoded: dict[str, Path]) -> None:
    examples = read_encoded(encoded[name] / "train.arrow")
    header = read_header(examples)
    form = form_of(name)(header.label_names)
    torch.manual_seed(7)
    head: nn.Module = form.head(HIDDEN, dropout=0.0).eval()
    inputs, targets = collate(form, examples.slice(0, 4).to_pylist(), header.pad_id)
    hidden = torch.randn(*inputs["input_ids"].shape, HIDDEN)
    others = torch.cat([hidden[:, :1], torch.randn_like(hidden[:, 1:])], dim=1)
    same = torch.equal(head(hidden, targets).logits, head(others, targets).logits)
    assert same == form.first_token_only
