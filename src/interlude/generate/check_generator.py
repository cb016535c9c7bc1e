"""Try a generator once, before anything is made: has it a causal head, and all its weights?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from interlude.data.fetch.models import GGUF
from interlude.errors import InputError

TOKENS = 8  # of the sequences that are tried
_ALLOWED = "Allowed: a causal language model, such as those of the GPT-2 and Llama families."
# What is raised for a family without a causal head, a broken file, a library that is not there.
_FAULTS = (RuntimeError, ValueError, LookupError, TypeError, AttributeError, ImportError, OSError)


def convert_gguf(folder: Path) -> None:
    """Convert a GGUF file into config, fp32 weights and a tokenizer that `transformers` reads.

    Nothing happens where there is no such file. InputError for one that cannot be read.
    """
    if not (folder / GGUF).exists():
        return
    try:
        AutoTokenizer.from_pretrained(
            folder, gguf_file=GGUF, trust_remote_code=False
        ).save_pretrained(folder)
        read = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=GGUF, dtype=torch.float32, trust_remote_code=False
        )
        # One that was read from GGUF counts as quantized, and `transformers` saves no such model.
        model = AutoModelForCausalLM.from_config(read.config, dtype=torch.float32)
        model.load_state_dict(read.state_dict())
        model.save_pretrained(folder)
    except _FAULTS as error:
        raise InputError(f"{GGUF}: cannot be read ({_reason(error)}).") from None
    (folder / GGUF).unlink()


def check_generator(folder: Path) -> None:
    """Raise InputError for a model that does not predict each token from those before it.

    folder: config, weights and tokenizer, as they are prepared.
    """
    model = _loaded(folder)
    _check_causal(model, folder)
    if not AutoTokenizer.from_pretrained(folder, trust_remote_code=False)("a")["input_ids"]:
        raise InputError(f"{folder}: the tokenizer makes no token of 'a'.")


def _loaded(folder: Path) -> Any:
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, output_loading_info=True, trust_remote_code=False
        )
    except _FAULTS as error:
        raise InputError(f"{folder}: has no causal head ({_reason(error)}). {_ALLOWED}") from None
    if missing := sorted(report["missing_keys"]):
        raise InputError(
            f"{folder}: found weights without {missing[0]}"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}, of which "
            f"{type(model).__name__} makes the next token. {_ALLOWED}"
        )
    return model.eval()


@torch.inference_mode()
def _check_causal(model: Any, folder: Path) -> None:
    """Refuse a model whose prediction after one token depends on a later token."""
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.vocab_size, (2, TOKENS), generator=rng)
    ids[1, :-1] = ids[0, :-1]
    ids[1, -1] = (ids[0, -1] + 1) % model.config.vocab_size
    first, second = model(ids).logits[:, 0]
    if not first.isfinite().all():
        raise InputError(f"{folder}: its predictions are not finite. Allowed: numbers.")
    if not torch.equal(first, second):
        raise InputError(
            f"{folder}: found a model that reads in both directions ({model.config.model_type}). "
            f"{_ALLOWED}"
        )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
