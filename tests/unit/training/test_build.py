"""The model that a training starts with, and where it computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.tiny_training import Case
from torch import Tensor

from interlude.errors import InputError
from interlude.training.build import settle
from interlude.training.dropout import LaneDropout
from interlude.training.encoder import load_encoder
from interlude.training.platform import Platform, choose_platform
from interlude.training.start import write_start


def test_the_head_depends_on_the_seed_and_not_on_the_start(
    model: Path, encoded: dict[str, Path], tmp_path: Path
) -> None:
    weights = load_encoder(model, None, None).state_dict()
    moved = {name: weight + 1 for name, weight in weights.items()}
    write_start(tmp_path / "start", "ok", "tiny", moved, {})

    def head(seed: int, start: Path | None = None) -> Tensor:
        built, _ = Case("pair", seed=seed).built(model, encoded["pair"], start)
        weight: Tensor = built.head.state_dict()["linear.weight"]
        return weight

    assert torch.equal(head(1), head(1, tmp_path / "start"))
    assert not torch.equal(head(1), head(2))


def test_a_model_is_settled_on_its_platform(model: Path, encoded: dict[str, Path]) -> None:
    built, _ = Case("pair").built(model, encoded["pair"])
    fp32 = Platform(torch.device("cpu"), bf16=False)
    assert settle(built, fp32, "auto", "tiny") == fp32
    drawn = {type(each) for each in built.modules() if isinstance(each, torch.nn.Dropout)}
    assert drawn == {LaneDropout}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    message = r"config: key compute\.device: found 'cuda', but torch sees no GPU"
    with pytest.raises(InputError, match=message):
        choose_platform("cuda", "auto")


def test_precision_is_the_asked_one() -> None:
    assert choose_platform("cpu", "bf16").bf16
    assert not choose_platform("cpu", "fp32").bf16
