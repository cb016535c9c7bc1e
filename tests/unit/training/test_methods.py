"""Adapters in encoders of every family: what they compute, what is trained, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_families import FAMILIES, save_family, untrained
from helpers.tiny_training import Case, outcome
from torch import Tensor, nn
from torch.nn import functional

from interlude.errors import InputError
from interlude.plan.methods import (
    CONTINUE,
    FULL,
    MERGE,
    METHODS,
    Bottleneck,
    Lora,
    Method,
    method_of,
)
from interlude.training.encoder import load_encoder
from interlude.training.first_token import FAMILIES as FIRST_TOKEN
from interlude.training.first_token import read_first_token_only
from interlude.training.methods import put_adapter, trained_parameters
from interlude.training.methods.bottleneck import Block

# As small as the tiny encoders, whose hidden states are 16 wide.
SMALL: dict[str, Method] = {
    name: method_of({"name": name, **parameters})
    for name, parameters in {
        "lora": {"r": 4, "dropout": 0.0},
        "loha": {"r": 4},
        "lokr": {"r": 4},
        "hra": {"r": 4},
        "ia3": {},
        "bottleneck": {"reduction": 4},
    }.items()
}
TUNERS = [name for name in SMALL if name != "bottleneck"]
IDS = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]])
INPUTS = {"input_ids": IDS, "attention_mask": (IDS > 0).long()}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Family -> the folder of its tiny encoder."""
    root = tmp_path_factory.mktemp("families")
    return cache(lambda family: save_family(family, root / family))


@pytest.fixture(params=FAMILIES)
def encoder(request: pytest.FixtureRequest, saved: Callable[[str], Path]) -> nn.Module:
    """The tiny encoder of each family in turn, without dropout."""
    return load_encoder(saved(request.param), None, 0.0)


def hidden(encoder: nn.Module) -> Tensor:
    with torch.no_grad():
        states: Tensor = encoder.eval()(**INPUTS).last_hidden_state
    return states


def trained_at_random(encoder: nn.Module) -> None:
    """Give all that is trained other values, as a training would."""
    torch.manual_seed(2)
    with torch.no_grad():
        for weight in trained_parameters(encoder).values():
            weight.add_(torch.randn_like(weight) * 0.2)


def test_there_is_a_small_case_of_every_method() -> None:
    assert {"full", *SMALL} == METHODS.keys()


@pytest.mark.parametrize("name", SMALL)
def test_only_the_adapter_is_trained_and_all_of_it(name: str, encoder: nn.Module) -> None:
    before = {name: weight.clone() for name, weight in encoder.named_parameters()}
    put_adapter(encoder, SMALL[name])
    trained_at_random(encoder)
    encoder.train()(**INPUTS).last_hidden_state.square().sum().backward()
    trained = trained_parameters(encoder)
    for weight_name, weight in encoder.named_parameters():
        assert (weight.grad is not None) == (weight_name in trained), weight_name
    gradients = [weight.grad for weight in trained.values()]
    assert all(each is not None and bool(each.abs().sum() > 0) for each in gradients)
    frozen = [weight for name, weight in encoder.named_parameters() if name not in trained]
    assert sum(w.numel() for w in frozen) == sum(w.numel() for w in before.values())


@pytest.mark.parametrize("name", TUNERS)
def test_a_fresh_tuner_leaves_the_output_as_it_is(name: str, encoder: nn.Module) -> None:
    before = hidden(encoder)
    put_adapter(encoder, SMALL[name])
    torch.testing.assert_close(hidden(encoder), before, atol=1e-5, rtol=0)
    trained_at_random(encoder)
    assert not torch.allclose(hidden(encoder), before, atol=1e-2)


@pytest.mark.parametrize("name", TUNERS)
def test_merging_keeps_the_output_and_takes_the_tuner_out(name: str, encoder: nn.Module) -> None:
    names = set(encoder.state_dict())
    first = copy.deepcopy(encoder)
    put_adapter(first, SMALL[name])
    trained_at_random(first)
    left = {each: weight.detach().clone() for each, weight in trained_parameters(first).items()}
    put_adapter(encoder, SMALL[name], [left], MERGE)
    torch.testing.assert_close(hidden(encoder), hidden(first), atol=1e-4, rtol=1e-4)
    fresh = trained_parameters(encoder)
    assert fresh.keys() == left.keys()
    assert any(not torch.equal(fresh[each], left[each]) for each in left)
    assert not {each for each in names if "base_layer" in each}


@pytest.mark.parametrize("name", SMALL)
def test_a_continued_adapter_is_the_one_that_was_left(name: str, encoder: nn.Module) -> None:
    first = copy.deepcopy(encoder)
    put_adapter(first, SMALL[name])
    trained_at_random(first)
    left = {each: weight.detach().clone() for each, weight in trained_parameters(first).items()}
    put_adapter(encoder, SMALL[name], [left], CONTINUE)
    torch.testing.assert_close(hidden(encoder), hidden(first), atol=1e-6, rtol=1e-6)


def test_lora_is_a_low_rank_product_added_to_every_linear_layer(encoder: nn.Module) -> None:
    """Held to W + B A alpha / r, by hand, in a copy of the encoder."""
    by_hand, method = copy.deepcopy(encoder), Lora(r=4, alpha=6.0)
    put_adapter(encoder, method)
    trained_at_random(encoder)
    weights = dict(encoder.named_parameters())
    linear = {n: each for n, each in by_hand.named_modules() if isinstance(each, nn.Linear)}
    assert len(trained_parameters(encoder)) == 2 * len(linear)
    with torch.no_grad():
        for name, layer in linear.items():
            down, up = (weights[f"{name}.lora_{which}.default.weight"] for which in "AB")
            layer.weight += up @ down * 6.0 / 4
    torch.testing.assert_close(hidden(encoder), hidden(by_hand), atol=1e-5, rtol=1e-5)


class ByHand(nn.Module):
    """The reference of the block: what stands in place of a feed-forward part's last layers.

    As AdapterHub writes it down for its configuration seq_bn: the adapter reads the normed sum; its
    residual is the feed-forward output before the norm; and the norm follows, with the sum's other
    half.
    """

    def __init__(self, output: Any, block: Block) -> None:
        super().__init__()
        self.output, self.block = output, block

    def forward(self, hidden: Tensor, read: Tensor) -> Tensor:
        forward = self.output.dropout(self.output.dense(hidden))
        residual = forward
        normed = self._norm(forward + read)
        down = functional.relu(
            functional.linear(normed, self.block.down.weight, self.block.down.bias)
        )
        up = functional.linear(down, self.block.up.weight, self.block.up.bias)
        return self._norm(up + residual + read)

    def _norm(self, states: Tensor) -> Tensor:
        norm = self.output.LayerNorm
        mean, variance = states.mean(-1, keepdim=True), states.var(-1, correction=0, keepdim=True)
        eps = norm.eps if hasattr(norm, "eps") else norm.variance_epsilon
        return norm.weight * (states - mean) / torch.sqrt(variance + eps) + norm.bias


class PreNormByHand(nn.Module):
    """The reference where a layer has no norm after its sum, x + forward(norm(x))."""

    def __init__(self, layer: Any, block: Block) -> None:
        super().__init__()
        self.layer, self.block, self.attention_type = layer, block, layer.attention_type

    def forward(self, hidden: Tensor, **kwargs: Any) -> Tensor:
        attended = hidden + self.layer.attn(self.layer.attn_norm(hidden), **kwargs)[0]
        forward = self.layer.mlp(self.layer.mlp_norm(attended))
        residual = forward
        down = functional.relu(self.block.down(forward + attended))
        return self.block.up(down) + residual + attended  # type: ignore[no-any-return]


def test_the_block_is_that_of_the_reference(encoder: nn.Module) -> None:
    by_hand: Any = copy.deepcopy(encoder)
    put_adapter(encoder, Bottleneck(reduction=4))
    trained_at_random(encoder)
    blocks = [each for each in encoder.modules() if isinstance(each, Block)]
    assert [tuple(each.down.weight.shape) for each in blocks] == [(4, 16)] * 2
    is_pre_norm = hasattr(by_hand, "layers")
    layers = by_hand.layers if is_pre_norm else by_hand.encoder.layer
    for number, block in enumerate(blocks):
        if is_pre_norm:
            layers[number] = PreNormByHand(layers[number], block)
        else:
            layers[number].output = ByHand(layers[number].output, block)
    torch.testing.assert_close(hidden(encoder), hidden(by_hand), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("family", FIRST_TOKEN)
def test_the_first_token_alone_is_computed_as_with_all_others(family: str, name: str) -> None:
    """The exact saving in the last layer holds for adapters: values and gradients."""
    without = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    whole: Any = untrained(family, attn_implementation="eager", initializer_range=0.3, **without)
    short = copy.deepcopy(whole)
    read_first_token_only(short)
    for each in (whole, short):
        torch.manual_seed(3)
        put_adapter(each, SMALL[name])
        trained_at_random(each)
        each.double()  # so that sums of other lengths differ by little
    first, alone = (each(**INPUTS).last_hidden_state[:, :1] for each in (whole, short))
    torch.testing.assert_close(alone, first, atol=1e-6, rtol=1e-6)
    first.square().sum().backward()
    alone.square().sum().backward()
    wanted, found = trained_parameters(whole), trained_parameters(short)
    assert found.keys() == wanted.keys()
    for weight, other in ((wanted[each], found[each]) for each in wanted):
        torch.testing.assert_close(other.grad, weight.grad, atol=1e-6, rtol=1e-6)


# Whole trainings


@pytest.mark.parametrize("form", tiny.FORMS)
@pytest.mark.parametrize("name", ["lora", "bottleneck"])
def test_every_form_is_trained(name: str, form: str, model: Path, encoded: dict[str, Path]) -> None:
    case = Case(form, tiny.settings(), method=SMALL[name])
    built, _ = case.built(model, encoded[form])
    result = case.trained(model, encoded[form])
    assert result.encoder is not None
    assert result.encoder.keys() == trained_parameters(built.encoder).keys()
    assert any(
        not torch.equal(result.encoder[each], weight)
        for each, weight in trained_parameters(built.encoder).items()
    )
    assert len(result.part.predictions) == 16


@pytest.mark.parametrize("name", SMALL)
def test_the_same_training_gives_the_same_bytes(
    name: str, model: Path, encoded: dict[str, Path]
) -> None:
    method = SMALL[name] if name != "lora" else Lora(r=4, dropout=0.3)
    case = Case("pair", tiny.settings(), method=method)
    first, second = (outcome(case.trained(model, encoded["pair"])) for _ in range(2))
    assert first == second
    other = outcome(Case("pair", tiny.settings(), 6, method=method).trained(model, encoded["pair"]))
    assert other["weights"] != first["weights"]


def test_the_optimiser_has_a_state_of_what_is_trained_alone(
    model: Path, encoded: dict[str, Path]
) -> None:
    from interlude.training.optimizer import make_optimizer  # noqa: PLC0415

    case = Case("pair", tiny.settings(), method=Lora(r=2))
    built, _ = case.built(model, encoded["pair"])
    groups = make_optimizer(built, case.settings).param_groups
    count = sum(weight.numel() for group in groups for weight in group["params"])
    assert count == built.trained_parameters
    assert built.used_rows is None
    full, _ = Case("pair", tiny.settings()).built(model, encoded["pair"])
    of_encoder = sum(each.numel() for each in load_encoder(model, None, None).parameters())
    head = sum(each.numel() for each in full.head.parameters())
    assert full.trained_parameters == of_encoder + head


def test_the_head_does_not_depend_on_the_method(model: Path, encoded: dict[str, Path]) -> None:
    heads = [
        Case("pair", method=method).built(model, encoded["pair"])[0].head.state_dict()
        for method in (FULL, *SMALL.values())
    ]
    assert all(torch.equal(heads[0][name], head[name]) for head in heads for name in heads[0])


# What does not fit


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            Lora(modules=("query", "valu")),
            r"key method\.modules: found 'valu', .* Allowed: null for all, or .*self\.value",
        ),
        (Lora(r=17), r"key method\.r: found 17\. Allowed: at most 16, the smaller side of"),
        (
            Bottleneck(reduction=17),
            r"key method\.reduction: found 17\. Allowed: at most 16, the width of the enc",
        ),
    ],
)
def test_what_does_not_fit_the_encoder_is_one_message(method: Method, message: str) -> None:
    encoder = untrained("bert")
    before = set(encoder.state_dict())
    with pytest.raises(InputError, match=message):
        put_adapter(encoder, method)
    assert set(encoder.state_dict()) == before


class Strange(nn.Module):
    """An encoder without a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.config = untrained("bert").config
        self.layer = nn.Conv1d(16, 16, 1)


@pytest.mark.parametrize("name", ["lora", "ia3", "bottleneck"])
def test_an_encoder_whose_layers_are_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"key method\.name: found .* Allowed: "):
        put_adapter(Strange(), SMALL[name])


def test_an_adapter_of_another_shape_is_refused() -> None:
    first, other = untrained("bert"), untrained("bert")
    put_adapter(first, Lora(r=4))
    left = {name: weight.detach() for name, weight in trained_parameters(first).items()}
    with pytest.raises(InputError, match=r"does not fit the encoder and its method .* such as enc"):
        put_adapter(other, Lora(r=2), [left], CONTINUE)


def test_modules_are_named_by_their_ends() -> None:
    encoder = untrained("bert")
    put_adapter(encoder, Lora(r=2, modules=("query", "attention.output.dense")))
    tuned = {name.partition(".lora")[0] for name in trained_parameters(encoder)}
    parts = ("self.query", "output.dense")
    assert tuned == {f"encoder.layer.{n}.attention.{part}" for n in (0, 1) for part in parts}
