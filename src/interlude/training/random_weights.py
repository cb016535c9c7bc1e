"""Draws the weights of an encoder anew: the control that shows what pretraining brings."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModel

from interlude.encode.model_config import read_config
from interlude.files import WEIGHTS
from interlude.training.check_model import check_model


def draw_weights(folder: Path, seed: int) -> None:
    """Check a model folder, then put weights in it as its family's code draws them, from a seed.

    Config and tokenizer stay. The same seed gives the same bytes with the same torch and
    transformers. InputError as of `check_model`.
    """
    check_model(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = AutoModel.from_config(read_config(folder))
    tensors = {name: each.contiguous() for name, each in encoder.state_dict().items()}
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
