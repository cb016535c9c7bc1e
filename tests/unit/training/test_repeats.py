"""The same bits again: what torch is told, and what becomes of an encoder that can not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from interlude.training.build import repeat_exactly, seed_everything
from interlude.training.encoder import load_encoder, repeats_exactly
from interlude.training.platform import Platform

CPU = torch.device("cpu")
REFUSED = "gather_backward does not have a deterministic implementation, but you set ..."


class Refusing(nn.Module):
    """An encoder whose operations torch refuses when it may not only warn of them."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.words = words

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        if not torch.is_deterministic_algorithms_warn_only_enabled():
            raise RuntimeError(self.words)
        return SimpleNamespace(last_hidden_state=self.weight * input_ids)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """What a run sets before; put back after."""
    seed_everything(1)
    yield
    seed_everything(1)


def told(encoder: nn.Module) -> tuple[list[str], bool]:
    """Return what is said, and whether torch only warns afterwards."""
    said: list[str] = []
    repeat_exactly(encoder, Platform(CPU, bf16=False), said.append)
    return said, torch.is_deterministic_algorithms_warn_only_enabled()


def test_an_encoder_that_repeats_is_trained_with_nothing_else(model: Path) -> None:
    encoder = load_encoder(model, None, None)
    state = torch.get_rng_state()
    assert told(encoder) == ([], False)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in encoder.parameters())


def test_one_that_does_not_is_trained_and_told_of() -> None:
    said, warns = told(Refusing(REFUSED))
    assert said == ["this encoder may not give the same bits again on this device"]
    assert warns


def test_another_error_is_no_answer() -> None:
    torch.use_deterministic_algorithms(True)
    with pytest.raises(RuntimeError, match="shapes"):
        repeats_exactly(Refusing("shapes do not fit"), CPU)


def test_memory_that_is_taken_is_not_filled(model: Path) -> None:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        torch.empty(10)
    assert {event.key for event in profiler.key_averages()} == {"aten::empty"}
