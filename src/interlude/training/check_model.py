"""Try a model once, before anything is trained: is it an encoder, whole, and read correctly?

What would fail in each training, or go wrong unnoticed, is one message here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from interlude.data.fetch.models import GGUF
from interlude.data.fetch.weights import Header, read_header
from interlude.encode.model_config import read_config
from interlude.encode.tokenizer import load_tokenizer, longest_sequence
from interlude.errors import InputError
from interlude.files import WEIGHTS
from interlude.training.encoder import load_encoder

WORDS = 3  # in the longer of the texts that are tried
TOKENS = 8  # in the sequences that show what a token sees
# What a model may raise that is not built for sequences of tokens, or lacks a library.
FAULTS = (RuntimeError, ValueError, LookupError, TypeError, AttributeError, ImportError, OSError)


def check_model(folder: Path) -> None:
    """Raise InputError for a model that cannot be trained, or would be trained in vain.

    folder: config, weights and tokenizer, as they are prepared. Its weights are read, and two
    sequences pass through it.
    """
    _check_no_gguf(folder)
    _check_kind(read_config(folder), folder)
    header = read_header(folder / WEIGHTS)
    encoder = _loaded(folder)
    _check_layers(encoder, header, folder)
    _check_finite(encoder, folder)
    _check_first_sees_last(encoder, folder)
    tokenizer = load_tokenizer(folder)
    texts = _texts(tokenizer, folder)
    longest_sequence(folder, tokenizer)
    _check_marks(tokenizer, texts, folder)
    _check_passes(encoder, tokenizer, texts, folder)


def _check_no_gguf(folder: Path) -> None:
    if (folder / GGUF).exists():
        raise InputError(f"{folder}: found a GGUF file, which is for generators alone. {_ALLOWED}")


def _check_kind(config: Any, folder: Path) -> None:
    """Refuse the kinds of models that their config shows not to be trainable."""
    kind = f"{folder}/config.json: found "
    if getattr(config, "is_encoder_decoder", False):
        raise InputError(f"{kind}an encoder and a decoder ({config.model_type}). {_ALLOWED}")
    if getattr(config, "quantization_config", None) is not None:
        raise InputError(
            f"{kind}quantization_config: weights that were quantized cannot be trained. "
            "Allowed: those in fp32, fp16 or bf16 that they were made from."
        )
    for key in ("hidden_size", "num_hidden_layers", "vocab_size"):
        if not isinstance(getattr(config, key, None), int):
            raise InputError(f"{kind}no {key} ({config.model_type}). {_ALLOWED}")


_ALLOWED = "Allowed: an encoder of text, such as those of the BERT and RoBERTa families."


def _loaded(folder: Path) -> nn.Module:
    try:
        return load_encoder(folder, None, None).eval()
    except FAULTS as error:
        raise InputError(f"{folder}: the weights cannot be loaded ({_reason(error)}).") from None


def _check_layers(encoder: nn.Module, header: Header, folder: Path) -> None:
    """Refuse weights of layers that the config does not count."""
    for path, layers in encoder.named_modules():
        if isinstance(layers, nn.ModuleList):
            stored = max(_numbers(path, header), default=-1) + 1
            if stored > len(layers):
                raise InputError(
                    f"{folder}/config.json: key num_hidden_layers: found {len(layers)}, but "
                    f"{WEIGHTS} holds {stored} layers ({path}). Allowed: {stored}; the key "
                    "encoder.layers of a study's config uses only the first ones."
                )


def _numbers(path: str, header: Header) -> Iterator[int]:
    """Yield the numbers of the layers in the weights; their names may begin with the family's."""
    pattern = re.compile(rf"(?:\w+\.)?{re.escape(path)}\.(\d+)\.")
    yield from (int(match[1]) for name in header.tensors if (match := pattern.match(name)))


def _check_finite(encoder: nn.Module, folder: Path) -> None:
    for name, weight in encoder.named_parameters():
        strange = weight.numel() - int(weight.isfinite().sum())
        if strange:
            raise InputError(
                f"{folder}/{WEIGHTS}: {name}: found {strange} of {weight.numel()} values that are "
                "not finite (NaN or infinite). Allowed: numbers."
            )


def _check_first_sees_last(encoder: Any, folder: Path) -> None:
    """Refuse a model that reads from left to right: its first token knows nothing of the text."""
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(encoder.config.vocab_size, (2, TOKENS), generator=rng)
    ids[:, 0] = ids[0, 0]
    first, second = (_states(encoder, folder, input_ids=each[None])[0, 0] for each in ids)
    if torch.equal(first, second):
        raise InputError(
            f"{folder}: found a model that reads from left to right "
            f"({encoder.config.model_type}): its first token, which heads read, sees none of the "
            f"others. {_ALLOWED}"
        )


def _texts(tokenizer: Any, folder: Path) -> tuple[str, str]:
    """Return two texts of words that a tokenizer knows, in whatever script."""
    special = set(tokenizer.all_special_ids)
    tokens = (tokenizer.decode([each]) for each in range(len(tokenizer)) if each not in special)
    words = list(islice((token.strip() for token in tokens if token.strip().isalpha()), WORDS))
    if not words:
        raise InputError(
            f"{folder}: the tokenizer knows no word ({len(tokenizer)} tokens): transformers makes "
            "up such a one where the files of a tokenizer are not those of the model's family."
        )
    return " ".join(words), words[0]


def _check_marks(tokenizer: Any, texts: tuple[str, str], folder: Path) -> None:
    """Refuse a tokenizer that puts no special token before a text, or none between two."""
    encoded = tokenizer(*texts)
    places = encoded.sequence_ids()  # of each token: of which text it is, or None
    if places[0] is not None or None not in places[places.index(0) : places.index(1)]:
        shown = " ".join(tokenizer.convert_ids_to_tokens(encoded["input_ids"]))
        raise InputError(
            f"{folder}: the tokenizer makes of two texts: {shown}. Allowed: a special token before "
            "the first, which heads read, and one between them, as in [CLS] a [SEP] b [SEP]; "
            "docs/add-a-model.md says how to add them."
        )


def _check_passes(encoder: Any, tokenizer: Any, texts: tuple[str, str], folder: Path) -> None:
    """Pass two pairs of texts through a model, the shorter one padded."""
    options = {"padding": True, "padding_side": "right", "return_tensors": "pt"}
    batch = tokenizer(list(texts), [texts[0]] * 2, **options)
    states = _states(encoder, folder, **batch)
    wanted = (*batch["input_ids"].shape, encoder.config.hidden_size)
    if states.shape != wanted or not states.isfinite().all():
        raise InputError(
            f"{folder}: the hidden states of a sequence: found {tuple(states.shape)}, "
            f"finite: {bool(states.isfinite().all())}. Allowed: {wanted}, finite."
        )


def _states(encoder: Any, folder: Path, **inputs: Tensor) -> Tensor:
    """Return the hidden states of sequences: [sequences, length, hidden]."""
    try:
        with torch.inference_mode():
            states: Tensor = encoder(**inputs).last_hidden_state
    except FAULTS as error:
        raise InputError(f"{folder}: no sequence passes through it ({_reason(error)}).") from None
    return states


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
