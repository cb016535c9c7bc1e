"""The tokenizer of a model folder, checked against what the encoder beside it takes.

Everything is read from the tokenizer, the config and the encoder's modules; no family is named.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

from interlude.encode.model_config import read_config
from interlude.errors import InputError
from interlude.files import MANIFEST, WEIGHTS

FAST = "tokenizer.json"
UNLIMITED = 10**30  # tokens, as transformers has it


def load_tokenizer(model: Path) -> Any:
    """Return the fast tokenizer in a model folder; slow ones give no character offsets.

    It gives token types only where the encoder distinguishes at least two, and cuts at the right.
    InputError for a folder without a fast tokenizer that fits its encoder.
    """
    config = read_config(model)
    tokenizer = _read(model)
    if not tokenizer.is_fast:
        raise InputError(f"{model}: the tokenizer has no fast version (tokenizer.json).")
    if tokenizer.pad_token_id is None:
        raise InputError(f"{model}: the tokenizer has no pad_token (tokenizer_config.json).")
    if len(tokenizer) > config.vocab_size:
        raise InputError(
            f"{model}: the tokenizer has {len(tokenizer)} tokens. "
            f"Allowed: at most {config.vocab_size}, the vocab_size of config.json."
        )
    if getattr(config, "type_vocab_size", 0) < 2:
        names = tokenizer.model_input_names
        tokenizer.model_input_names = [name for name in names if name != "token_type_ids"]
    return tokenizer


def _read(model: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(
            model, local_files_only=True, trust_remote_code=False, truncation_side="right"
        )
    except Exception as error:  # `tokenizers` has no other kind
        # Without tokenizer.json, transformers speaks of all that might have been in its place.
        reason = f" ({' '.join(str(error).split())})" if (model / FAST).exists() else ""
        found = "" if reason else f", found {_others(model)}"
        raise InputError(
            f"{model}: no fast tokenizer can be read{reason}{found}. Allowed: {FAST}. Where the "
            "library of a slow one is installed, loading it by AutoTokenizer.from_pretrained() "
            "and save_pretrained() write it."
        ) from None


def _others(model: Path) -> str:
    """Return the names of a folder's files that may belong to a tokenizer."""
    names = {path.name for path in model.iterdir()} - {"config.json", MANIFEST, WEIGHTS}
    return ", ".join(sorted(names)) or "none"


def load_tokenizer_for(model: Path, max_length: int) -> Any:
    """Return the tokenizer; InputError when sequences of max_length are too long for the model."""
    tokenizer = load_tokenizer(model)
    longest = longest_sequence(model, tokenizer)
    if max_length > longest:
        raise InputError(
            f"config: key max_length: found {max_length}. "
            f"Allowed: at most {longest}, the longest of {model}."
        )
    return tokenizer


def longest_sequence(model: Path, tokenizer: Any) -> int:
    """Return how many tokens the encoder has positions for, or fewer if the tokenizer says so.

    A tokenizer without a length has some 10^30, and XLNet's config -1. Where a table of
    positions has a padding index, as in RoBERTa, tokens are counted from behind it, and it must be
    the tokenizer's.
    """
    config = read_config(model)
    limits: list[int | None] = [tokenizer.model_max_length]
    limits += [getattr(config, "max_position_embeddings", None)]
    for table in _position_tables(config):
        skipped = table.padding_idx
        if skipped not in (None, tokenizer.pad_token_id):
            raise InputError(
                f"{model}: the tokenizer pads with token {tokenizer.pad_token_id}, but the "
                f"positions of the encoder skip token {skipped}. Allowed: the same token in both."
            )
        limits.append(table.num_embeddings - (0 if skipped is None else skipped + 1))
    return min((limit for limit in limits if limit is not None and limit > 0), default=UNLIMITED)


def _position_tables(config: Any) -> list[nn.Embedding]:
    """Return the tables of absolute positions of an encoder, built without its weights."""
    with torch.device("meta"):
        encoder: nn.Module = AutoModel.from_config(config)
    return [
        module
        for name, module in encoder.named_modules()
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding)
    ]
