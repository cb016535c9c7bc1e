"""A training of heads alone, under which the encoder stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import tiny
from helpers.tiny_training import Case, outcome

from interlude.jobs.checkpoint import Checkpoints
from interlude.training.build import build_model, exact_speed_ups, settle
from interlude.training.data import TaskData, alone, masked
from interlude.training.encoder import load_encoder
from interlude.training.loop import train
from interlude.training.platform import choose_platform

SETTINGS = tiny.settings(epochs=8, weight_decay=0.3)


def data_of(form: str, encoded: dict[str, Path], model: Path) -> TaskData:
    if form == "mlm":
        return masked([data_of("pair", encoded, model)], model, pretrained=False)
    return Case(form, SETTINGS).data(encoded[form])


@pytest.mark.parametrize("form", ["single", "tagging", "mlm"])
def test_heads_alone_are_trained(form: str, encoded: dict[str, Path], model: Path) -> None:
    data = alone(data_of(form, encoded, model))
    built = build_model(model, None, data, SETTINGS, 5, frozen=True)
    platform = settle(built, choose_platform("cpu", "fp32"), "fp32", "tiny")
    before = {name: weight.clone() for name, weight in built.head.state_dict().items()}
    result = train(built, data, SETTINGS, 5, platform, True, lambda *_: None)
    assert result.encoder is not None
    pretrained = load_encoder(model, None, None).state_dict()
    assert result.encoder.keys() == pretrained.keys()
    for name, weight in result.encoder.items():
        assert torch.equal(weight, pretrained[name]), name
    assert result.heads is not None
    assert all(not torch.equal(weight, before[n]) for n, weight in result.heads[0].items())
    assert built.trained_parameters == sum(each.numel() for each in built.head.parameters())
    losses = [point["loss"] for point in result.part.curve if point["loss"] is not None]
    assert losses[-1] < losses[0]
    assert not exact_speed_ups(built)["used_rows"]


class LostError(Exception):
    """What ends a training here, like a machine that fails."""


class Failing(Checkpoints):
    """Checkpoints of a machine that fails after 14 steps, once."""

    def after_step(self, run: Any) -> None:
        super().after_step(run)
        if run.result.steps == 14:
            raise LostError


def test_one_that_goes_on_ends_with_the_same_bits(
    encoded: dict[str, Path], model: Path, tmp_path: Path
) -> None:
    data = alone(data_of("mlm", encoded, model))

    def trained(checkpoints: Checkpoints | None) -> dict[str, Any]:
        built = build_model(model, None, data, SETTINGS, 5, frozen=True)
        platform = settle(built, choose_platform("cpu", "fp32"), "fp32", "tiny")
        return outcome(
            train(built, data, SETTINGS, 5, platform, True, lambda *_: None, checkpoints)
        )

    state = tmp_path / "state"
    with pytest.raises(LostError), Failing(state, lambda: "this training", 0.0) as lost:
        trained(lost)
    with Checkpoints(state, lambda: "this training", 0.0) as going_on:
        assert trained(going_on) == trained(None)
