"""bf16 on a processor without instructions for it, in a time that tests can wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from interlude.training.platform import choose_platform

PRODUCTS = {torch.ops.aten.mm.default, torch.ops.aten.addmm.default, torch.ops.aten.bmm.default}


class RoundedProducts(TorchDispatchMode):
    """Products of bf16 matrices are made in fp32 and rounded, in the backward pass too.

    So the instructions compute them: sums in fp32. torch's own way does the same, 8 times slower.
    `made` counts them.
    """

    made = 0

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if operation in PRODUCTS and args[-1].dtype == torch.bfloat16:
            self.made += 1
            wide = [each.float() if isinstance(each, Tensor) else each for each in args]
            return operation(*wide, **(kwargs or {})).bfloat16()
        return operation(*args, **(kwargs or {}))


def quick_bf16() -> AbstractContextManager[object]:
    """Return a context in which bf16 is quick: any, where the processor has it."""
    return nullcontext() if choose_platform("cpu", "auto").bf16 else RoundedProducts()
