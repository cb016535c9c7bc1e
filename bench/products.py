"""The matrix products of a training step: how many operations, and how fast they can be."""

from __future__ import annotations

import time
from collections import Counter
from copy import copy
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel, PretrainedConfig
from typing_extensions import override

from bench.meter import Shape

# Batch, rows, inner and columns of a product [batch, rows, inner] x [batch, inner, columns].
Product = tuple[int, int, int, int]

aten = torch.ops.aten
# Where the two factors stand among the arguments.
FACTORS = {
    aten.mm.default: (0, 1),
    aten.bmm.default: (0, 1),
    aten.addmm.default: (1, 2),
    aten.baddbmm.default: (1, 2),
}
REPETITIONS = 3
CALLS = {"cpu": 1, "cuda": 20}  # timed together: a single one on a GPU is shorter than its launch


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the matrix products of all operations under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products: Counter[Product] = Counter()

    @override
    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if operation in FACTORS:
            left, right = (args[place] for place in FACTORS[operation])
            batch = left.shape[0] if left.ndim == 3 else 1
            self.products[(batch, *left.shape[-2:], right.shape[-1])] += 1
        return operation(*args, **(kwargs or {}))


def products_of_step(config: PretrainedConfig, shape: Shape) -> Counter[Product]:
    """Return the products of an encoder's forward and backward pass over a batch of this shape.

    The passes run on torch's meta device, so nothing is computed. Heads are left out.
    """
    with _Recorder() as recorder:
        _pass_through_one_layer(config, shape)
    n_layers = config.num_hidden_layers
    return Counter({product: n_layers * n for product, n in recorder.products.items()})


def flops_of_step(config: PretrainedConfig, shape: Shape) -> int:
    """Return the operations of these products, as torch counts them: 2 per multiply-add."""
    with FlopCounterMode(display=False) as counter:
        _pass_through_one_layer(config, shape)
    return int(config.num_hidden_layers * counter.get_total_flops())


def flops(product: Product) -> int:
    """Return the operations of a product."""
    batch, rows, inner, columns = product
    return 2 * batch * rows * inner * columns


def speed(products: Counter[Product], device: str, bf16: bool) -> float:
    """Return the FLOP/s of plain products of these shapes, one after another."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    seconds = sum(count * _seconds(product, device, dtype) for product, count in products.items())
    return sum(count * flops(product) for product, count in products.items()) / seconds


def _pass_through_one_layer(config: PretrainedConfig, shape: Shape) -> None:
    """Pass through the first layer; the others do the same."""
    one = copy(config)
    one.num_hidden_layers = 1
    with torch.device("meta"):
        encoder: Any = AutoModel.from_config(one, attn_implementation="eager")
        encoder.pooler = None
        ids = torch.zeros(shape, dtype=torch.long)
        encoder.train()(input_ids=ids).last_hidden_state.sum().backward()


def _seconds(product: Product, device: str, dtype: torch.dtype) -> float:
    batch, rows, inner, columns = product
    left = torch.randn(batch, rows, inner, device=device, dtype=dtype).squeeze(0)
    right = torch.randn(batch, inner, columns, device=device, dtype=dtype).squeeze(0)
    torch.matmul(left, right)
    return median(_timed(left, right, CALLS[left.device.type]) for _ in range(REPETITIONS))


def _timed(left: torch.Tensor, right: torch.Tensor, calls: int) -> float:
    """Return the seconds of one of several calls."""
    _wait_for(left.device)
    started = time.perf_counter()
    for _ in range(calls):
        torch.matmul(left, right)
    _wait_for(left.device)
    return (time.perf_counter() - started) / calls


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
