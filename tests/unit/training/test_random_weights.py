"""An encoder without pretraining: what its model file says, and what comes of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from helpers import tiny
from helpers.tiny_model import save_model

from interlude.data.fetch.models import prepare_model
from interlude.data.made_from import declared_of_model
from interlude.files import WEIGHTS
from interlude.plan.models import Model, load_model
from interlude.training.encoder import load_encoder
from interlude.training.random_weights import draw_weights

ROOT = Path(__file__).parents[3]


def declared(folder: Path, name: str, **keys: Any) -> Model:
    if not (folder / "bert").exists():
        save_model(folder / "bert")
    said = {"name": name, "title": name, "folder": str(folder / "bert"), "licence": "none"}
    tiny.write_yaml(folder / f"{name}.yaml", {**said, **keys})
    return load_model(folder / f"{name}.yaml")


def prepared(folder: Path, name: str, seed: int, out: str) -> Path:
    model = declared(folder, name, random_weights=seed)
    check = partial(draw_weights, seed=seed)
    prepare_model(model.path, ROOT / "config/archives.yaml", folder / out, check)
    return folder / out


def test_weights_are_drawn_from_the_seed_alone(tmp_path: Path) -> None:
    first, again = (prepared(tmp_path, "random", 1, out) for out in ("first", "again"))
    other = prepared(tmp_path, "other", 2, "other")
    files = [(each / WEIGHTS).read_bytes() for each in (first, again, other, tmp_path / "bert")]
    assert files[0] == files[1]
    assert len(set(files)) == 3
    drawn, trained = (load_encoder(each, None, None) for each in (first, tmp_path / "bert"))
    for (name, own), (_, pretrained) in zip(
        drawn.named_parameters(), trained.named_parameters(), strict=True
    ):
        assert own.shape == pretrained.shape
        if own.dim() == 2:
            assert not torch.equal(own, pretrained), name
            assert 0.1 < own.std().item() < 0.3  # initializer_range of the config is .2
    assert (first / "tokenizer.json").read_bytes() == (
        tmp_path / "bert/tokenizer.json"
    ).read_bytes()


def test_a_seed_is_in_what_a_training_and_a_folder_are_told_by(tmp_path: Path) -> None:
    models = [
        declared(tmp_path, "m", **({} if seed is None else {"random_weights": seed}))
        for seed in (None, 0, 1)
    ]
    assert len({model.declared for model in models}) == 3
    assert len({declared_of_model(model) for model in models}) == 3
