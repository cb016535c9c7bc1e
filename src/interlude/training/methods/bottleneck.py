"""The block of Pfeiffer et al. 2021 after the feed-forward part of each layer, as in Poth et al.

With s, the sum of a feed-forward part and what it read, and N, the layer norm that the family has
after this sum (one that has none there: N is the identity), the layer gives

    N(s + up(activation(down(N(s)))))    instead of    N(s)

which is AdapterHub's configuration `pfeiffer`, later `seq_bn`: the residual is that before the
norm, whose weights serve twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from interlude.errors import InputError
from interlude.plan.methods import Bottleneck
from interlude.training.methods.published import WEIGHTS, read_published

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class Block(nn.Module):
    """[..., hidden] -> [..., hidden], by way of a narrower layer."""

    def __init__(self, hidden: int, width: int, activation: str) -> None:
        super().__init__()
        self.down = nn.Linear(hidden, width)
        self.activation = ACTIVATIONS[activation]()
        self.up = nn.Linear(width, hidden)
        for layer in (self.down, self.up):
            nn.init.normal_(layer.weight, std=0.02)
            nn.init.zeros_(layer.bias)

    @override
    def forward(self, hidden: Tensor) -> Tensor:
        result: Tensor = self.up(self.activation(self.down(hidden)))
        return result


def insert(encoder: nn.Module, method: Bottleneck) -> None:
    """Put fresh blocks into an encoder, which all but leave its output as it is.

    InputError where the blocks would have no width, or the encoder no place for them.
    """
    sizes: Any = encoder.config
    width = sizes.hidden_size // method.reduction
    if width == 0:
        raise InputError(
            f"config: key method.reduction: found {method.reduction}. Allowed: at most "
            f"{sizes.hidden_size}, the width of the encoder's hidden states."
        )
    places = list(_places(encoder, sizes))
    if len(places) != sizes.num_hidden_layers:
        raise InputError(
            f"config: key method.name: found bottleneck, but {len(places)} of "
            f"{sizes.num_hidden_layers} layers of the encoder end with a feed-forward part that is "
            "known. Allowed: another method."
        )
    encoder.requires_grad_(False)
    for place in places:
        device = next(place.parameters()).device
        place.block = Block(sizes.hidden_size, width, method.activation).to(device)
        place.register_forward_hook(_again if _is_norm(place) else _added)
    if method.published is not None:
        _begin_as_published([place.block for place in places], sizes.model_type, method)


def _begin_as_published(blocks: list[Any], model_type: str, method: Bottleneck) -> None:
    """Give the blocks the weights of a published adapter, one for each; InputError if unlike."""
    folder = Path(str(method.published))
    found = read_published(folder, str(method.published_sha256), model_type, method)
    wanted = [{name: each.shape for name, each in block.named_parameters()} for block in blocks]
    shapes = [{name: each.shape for name, each in weights.items()} for weights in found]
    if shapes != wanted:
        raise InputError(
            f"{folder / WEIGHTS}: found {len(found)} blocks of the shapes {_shown(shapes)}. "
            f"Allowed: {len(blocks)} of {_shown(wanted)}, those of the encoder and its method."
        )
    with torch.no_grad():
        for block, weights in zip(blocks, found, strict=True):
            for name, weight in block.named_parameters():
                weight.copy_(weights[name])


def _shown(shapes: list[dict[str, torch.Size]]) -> str:
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes[0].items())


def _again(norm: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """Give what a norm makes of its input and of what the block adds to that."""
    result: Tensor = norm.forward(inputs[0] + norm.block(output))
    return result


def _added(layer: Any, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    """Give what a layer without a norm at its end gives, and what the block adds to that."""
    result: Tensor = output + layer.block(output)
    return result


def _places(encoder: nn.Module, sizes: Any) -> Iterator[nn.Module]:
    """Yield, for each layer, its last norm or, where it has none after the sum, the layer itself.

    Found by the last linear layer of the feed-forward part, which alone is that wide: beside it is
    the norm; without one, its part stands in the layer.
    """
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Linear) and module.in_features == sizes.intermediate_size:
            around = name.rpartition(".")[0]
            part = encoder.get_submodule(around)
            norms = [each for each in part.children() if _is_norm(each)]
            yield norms[0] if norms else encoder.get_submodule(around.rpartition(".")[0])


def _is_norm(module: nn.Module) -> bool:
    return type(module).__name__.endswith("LayerNorm")
