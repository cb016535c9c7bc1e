"""What a training does, seen from outside: the same for every contestant."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

Shape = tuple[int, int]  # sequences, and the longest one's tokens

LOSSES_OF_THE_END = 0.25  # of all steps


@dataclass(frozen=True)
class Batch:
    """What passes through an encoder at once: its shape, and how many tokens are no padding.

    step: number of the step, from 0; in a mixture one may have a batch of each task.
    """

    step: int
    shape: Shape
    tokens: Tensor | int


class Meter:
    """Notes batches, losses and the clock of a training by hooks of torch.

    The first `warm_up` of so many steps are not measured: time goes from the end of the last of
    them to that of the last step, and evaluations that lie between are part of it.
    """

    def __init__(self, warm_up: int, steps: int) -> None:
        self.warm_up = warm_up
        self.ends = (warm_up, steps)
        self.batches: list[Batch] = []
        self.losses: Counter[int] = Counter()  # by step; those of several tasks are summed
        self.clocks: list[tuple[float, float]] = []  # wall clock and processor time
        self._hook = register_optimizer_step_post_hook(self._note_step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def watch(self, model: nn.Module, encoder: nn.Module) -> None:
        """Watch a model whose outputs have a loss, and the encoder within it."""
        encoder.register_forward_pre_hook(self._note_batch, with_kwargs=True)
        model.register_forward_hook(self._note_loss)

    def measures(self) -> dict[str, Any]:
        """Return what was measured, with the work of all steps beside it. Times in seconds.

        Raises ValueError for a training that ended within its warm-up.
        """
        if len(self.clocks) <= self.warm_up:
            raise ValueError(
                f"{len(self.clocks)} steps, of which the first {self.warm_up} are no measure"
            )
        begun, ended = self.clocks[self.warm_up - 1], self.clocks[-1]
        seconds, cpu_seconds = (end - begin for begin, end in zip(begun, ended, strict=True))
        measured = self._measured()
        tokens = sum(int(batch.tokens) for batch in measured)
        laid_out = sum(batch.shape[0] * batch.shape[1] for batch in measured)
        losses = [float(loss) for loss in self.losses.values()]
        end = losses[-max(1, round(len(losses) * LOSSES_OF_THE_END)) :]
        return {
            "steps": len(self.clocks),
            "measured_steps": len(self.clocks) - self.warm_up,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "tokens": tokens,
            "tokens_per_second": tokens / seconds,
            "padding_share": 1 - tokens / laid_out,
            "tokens_of_all_steps": sum(int(batch.tokens) for batch in self.batches),
            "first_loss": losses[0],
            "final_loss": fmean(end),
        }

    def measured_shapes(self) -> Counter[Shape]:
        """Return the shapes of the measured batches."""
        return Counter(batch.shape for batch in self._measured())

    def _measured(self) -> list[Batch]:
        return [batch for batch in self.batches if batch.step >= self.warm_up]

    def _note_batch(self, encoder: nn.Module, args: tuple[Any, ...], kwargs: Any) -> None:
        if encoder.training:
            ids = args[0] if args else kwargs["input_ids"]
            mask = kwargs.get("attention_mask")
            n_tokens = ids.numel() if mask is None else mask.sum()
            shape = ids.shape[0], ids.shape[1]
            self.batches.append(Batch(len(self.clocks), shape, n_tokens))

    def _note_loss(self, model: nn.Module, _: Any, outputs: Any) -> None:
        if model.training:
            self.losses[len(self.clocks)] += outputs.loss.detach()

    def _note_step(self, *_: Any) -> None:
        if len(self.clocks) + 1 in self.ends and torch.cuda.is_available():
            torch.cuda.synchronize()  # only here, so that a GPU is not slowed down by being watched
        self.clocks.append((time.perf_counter(), time.process_time()))
