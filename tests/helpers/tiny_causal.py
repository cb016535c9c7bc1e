"""A random GPT-2 with a tokenizer of whole words, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from interlude.files import MANIFEST, sha256_of
from tests.helpers.tiny_model import WORDS

PLACES = 64  # longest sequence of the model
END = "<|end|>"
BLANK = "▁"  # stands for the blank before a word
VOCABULARY = {token: n for n, token in enumerate([END, *(BLANK + each for each in WORDS.split())])}


def save_generator(folder: Path) -> None:
    """Save it as a prepared model folder, with the manifest of one."""
    torch.manual_seed(5)
    config = GPT2Config(
        vocab_size=len(VOCABULARY),
        n_positions=PLACES,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.5,  # so that its predictions differ between prompts
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    manifest = {
        "name": folder.name,
        "revision": "tiny-1",
        "licence": "none needed",
        "files": {file.name: sha256_of(file) for file in sorted(folder.iterdir())},
        "made_from": "folder-0-0",
    }
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf8")


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.WordLevel(VOCABULARY, unk_token=f"{BLANK}and"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(BLANK, prepend_scheme="always", split=True)]
    )
    tokenizer.decoder = decoders.Metaspace(BLANK, prepend_scheme="always")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)


def texts(count: int, words: int = 12) -> list[str]:
    """Return different texts of two sentences that the tokenizer knows."""
    known = WORDS.split()
    return [
        ". ".join(
            " ".join(
                known[(7 * text + 3 * word + each * word * text) % len(known)]
                for word in range(words)
            )
            for each in (1, 2)
        )
        for text in range(count)
    ]
