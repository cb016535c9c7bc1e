"""Load an encoder: with its pretrained weights, with those of a start, or with random ones."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, logging

from interlude.encode.model_config import read_config
from interlude.errors import InputError
from interlude.training.start import read_encoder

HEAD_DROPOUTS = ("classifier_dropout", "hidden_dropout_prob")


def load_encoder(
    model: Path,
    layers: int | None,
    dropout: float | None,
    start: Path | None = None,
    seed: int | None = None,
) -> nn.Module:
    """Return the encoder of a model folder in fp32, without a pooler.

    layers: keep the first N only; dropout: instead of every dropout of the model's config; start:
    a folder that another training left, with whose weights the encoder is built; seed: draw the
    weights from it, as the model's family does before it is pretrained: the same ones as its
    `from_config` under this seed of torch. Of a model's folder nothing but its config is read in
    both cases. InputError when weights are lacking or of another size, which
    transformers would draw at random.
    """
    logging.set_verbosity_error()  # the report of unused pooler and head weights
    logging.disable_progress_bar()
    config = _config(model, layers, dropout)
    if start is not None:
        encoder = _with_weights_of(start, config)
    else:
        encoder = _pretrained(model, config) if seed is None else _drawn(config, seed)
    if hasattr(encoder, "pooler"):
        encoder.pooler = None  # its random weights are never used
    loaded: nn.Module = encoder
    return loaded


def import_family(model: Path) -> None:
    """Import the code of a model's family, which takes longer than to load a small model."""
    _class_of(read_config(model))


def head_dropout(encoder: nn.Module, dropout: float | None) -> float:
    """Return the dropout before the head: that of the settings, else that of the model's config.

    As the classifiers of transformers take it.
    """
    config: Any = encoder.config
    rates = [dropout, *(getattr(config, key, None) for key in HEAD_DROPOUTS)]
    return next((float(rate) for rate in rates if rate is not None), 0.0)


def computes_in_bf16(encoder: nn.Module, device: torch.device) -> bool:
    """Return whether the forward pass works in bf16; that of DeBERTa masks with fp32's minimum."""
    ids = torch.zeros(1, 2, dtype=torch.long, device=device)
    mask = torch.tensor([[1, 0]], device=device)
    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
            encoder.eval()(input_ids=ids, attention_mask=mask)
    except RuntimeError:
        return False
    return True


def repeats_exactly(encoder: nn.Module, device: torch.device) -> bool:
    """Return whether all that an encoder is trained with has a way to give the same bits again.

    To be called while torch is set to use only such ways. Where there is none, it raises an error.
    """
    ids = torch.zeros(1, 2, dtype=torch.long, device=device)
    mask = torch.tensor([[1, 0]], device=device)
    try:
        # In evaluation, so that no dropout takes a random number that the run would have got.
        total = encoder.eval()(input_ids=ids, attention_mask=mask).last_hidden_state.sum()
        if total.requires_grad:  # nothing of a frozen one does
            total.backward()
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        return False
    finally:
        encoder.zero_grad()
    return True


def _config(model: Path, layers: int | None, dropout: float | None) -> Any:
    """Return the config of a model folder, changed as the run asks for."""
    config = read_config(model)
    _check_layers(model, config, layers)
    changes = {} if layers is None else _with_layers(config, layers)
    if dropout is not None:
        changes |= dict.fromkeys(_dropouts(config), dropout)
    for key, value in changes.items():
        setattr(config, key, value)
    return config


def _pretrained(model: Path, config: Any) -> Any:
    """Return the encoder with the weights of its model folder."""
    encoder, found = AutoModel.from_pretrained(
        model,
        config=config,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # they are reported below
        **_how_loaded(),
    )
    for name, held, wanted in sorted(found["mismatched_keys"]):
        raise InputError(
            f"{model}: {name} in model.safetensors is {_sizes(held)}. "
            f"Allowed: {_sizes(wanted)}, as config.json says."
        )
    lacking = _lacking(found)
    if lacking:
        raise InputError(
            f"{model}: model.safetensors lacks {len(lacking)} weights of the encoder, "
            f"such as {lacking[0]}."
        )
    return encoder


def _drawn(config: Any, seed: int) -> Any:
    """Return the encoder with random weights."""
    how = {name: value for name, value in _how_loaded().items() if name != "output_loading_info"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModel.from_config(config, trust_remote_code=False, **how)


def _with_weights_of(start: Path, config: Any) -> Any:
    """Return the encoder with the weights of a start."""
    weights = read_encoder(start)
    try:
        encoder, found = _class_of(config).from_pretrained(
            None, config=config, state_dict=weights, trust_remote_code=False, **_how_loaded()
        )
    except RuntimeError as error:
        raise InputError(f"{start}: does not fit the encoder ({error}).") from None
    strange = sorted([*_lacking(found), *found["unexpected_keys"]])
    if strange:
        raise InputError(
            f"{start}: does not fit the encoder ({len(strange)} weights that only one of them "
            f"has, such as {strange[0]})."
        )
    return encoder


def _how_loaded() -> dict[str, Any]:
    """Return how each encoder is loaded."""
    return {
        "output_loading_info": True,
        "dtype": torch.float32,
        # On a GPU the fastest one that the family has.
        "attn_implementation": None if torch.cuda.is_available() else "eager",
    }


def _class_of(config: Any) -> Any:
    """Return the class of a config's encoder, which `AutoModel` shows only in an instance."""
    with torch.device("meta"):  # no weights
        return type(AutoModel.from_config(config, trust_remote_code=False))


def _with_layers(config: Any, layers: int) -> dict[str, Any]:
    """Return the changes of a config that keeps its first layers."""
    kinds = getattr(config, "layer_types", None)  # of a family whose layers differ
    return {"num_hidden_layers": layers} | ({"layer_types": kinds[:layers]} if kinds else {})


def _dropouts(config: Any) -> list[str]:
    """Return the names of all dropout settings, whatever the model family calls them."""
    return [
        key
        for key, value in config.to_dict().items()
        if "dropout" in key and isinstance(value, float | int)
    ]


def _sizes(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape))


def _lacking(found: dict[str, Iterable[str]]) -> list[str]:
    return sorted(name for name in found["missing_keys"] if "pooler" not in name)


def _check_layers(model: Path, config: Any, layers: int | None) -> None:
    if layers is not None and layers > config.num_hidden_layers:
        raise InputError(
            f"config: key encoder.layers: found {layers}. "
            f"Allowed: at most {config.num_hidden_layers}, the layers of {model}."
        )
