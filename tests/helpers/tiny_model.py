"""A random BERT and its WordPiece tokenizer, small enough for a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

PLACES = 64  # longest sequence of the model
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIGNS = "0123456789.,;:!?'\"-()%&🙂"
WORDS = """
a and anna bad berg bird blue book cafe cat colour did dog door dull film fine good green hill in is
likes not of old oslo play ran red rome ruiz sat slept song the to tom un was went what which who
"""
PIECES = ["##believ", "##able", "##ed", "##ing", "##s", *(f"##{letter}" for letter in LETTERS)]
TOKENS = [*SPECIAL, *LETTERS, *SIGNS, *WORDS.split(), *PIECES]
VOCABULARY = {token: number for number, token in enumerate(dict.fromkeys(TOKENS))}


def save_model(folder: Path) -> None:
    """Save a BERT of 2 layers with its tokenizer as a model folder."""
    torch.manual_seed(11)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=PLACES,
        initializer_range=0.2,  # so that untrained hidden states differ between inputs
    )
    BertModel(config).save_pretrained(folder)
    _save_tokenizer(folder)
    (folder / "manifest.json").write_text(json.dumps({"revision": "tiny-1"}), encoding="utf8")


def _save_tokenizer(folder: Path) -> None:
    tokenizer = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    as_bert_reads(tokenizer, model_max_length=PLACES).save_pretrained(folder)


def as_bert_reads(tokenizer: Tokenizer, **options: Any) -> PreTrainedTokenizerFast:
    """Return a tokenizer for transformers with BERT's special tokens and token types."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        **options,
    )
