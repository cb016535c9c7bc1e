"""A tiny random encoder of each model family, with a tokenizer of its kind trained here.

Every folder is what `save_pretrained` writes. Special tokens stand where the family has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertTokenizer,
    DebertaConfig,
    DebertaTokenizer,
    DebertaV2Config,
    DebertaV2Tokenizer,
    ElectraConfig,
    ModernBertConfig,
    MPNetConfig,
    MPNetTokenizer,
    RobertaConfig,
    RobertaTokenizer,
)

from helpers import tiny
from helpers.tiny_model import as_bert_reads

PLACES = 48  # the longest sequence of every encoder
PIECES = 400
BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
DEBERTA = ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]")
DEBERTA_V2 = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
MPNET = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")


@dataclass(frozen=True)
class Family:
    """How to build one: its config class, what that is told, and its tokenizer.

    set_aside: positions that no token of a sequence has: those up to the padding index.
    """

    config: type[Any]
    tokenizer: Callable[[], Any]
    facts: dict[str, Any] = field(default_factory=dict)
    set_aside: int = 0


def untrained(model_type: str, **facts: Any) -> Any:
    """Return a tiny random encoder of a model type, by transformers' own defaults but for facts."""
    small = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    config = AutoConfig.for_model(
        model_type, vocab_size=60, pad_token_id=0, num_hidden_layers=2, **small, **facts
    )
    torch.manual_seed(3)
    return AutoModel.from_config(config)


def save_family(name: str, folder: Path, places: int = PLACES) -> Path:
    """Save a tiny encoder of a family with its tokenizer as a model folder.

    places: the longest sequence, in tokens.
    """
    family = FAMILIES[name]
    tokenizer = family.tokenizer()
    torch.manual_seed(11)
    config = family.config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        initializer_range=0.2,  # so that untrained hidden states differ between inputs
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        max_position_embeddings=places + family.set_aside,
        **family.facts,
    )
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _texts() -> list[str]:
    """Return all that the tiny tasks say."""
    values = (value for form in tiny.FORMS for row in tiny.rows(form, 40) for value in row.values())
    return [text for value in values for text in _strings(value)]


def _strings(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []


def _word_pieces(special: Sequence[str]) -> dict[str, int]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=PIECES, special_tokens=list(special))
    tokenizer.train_from_iterator(_texts(), trainer)
    return tokenizer.get_vocab()


def _byte_pairs(special: Sequence[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, special_tokens=list(special), initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return tokenizer


def _vocabulary_and_merges(special: Sequence[str]) -> dict[str, Any]:
    model = json.loads(_byte_pairs(special).to_str())["model"]
    return {"vocab": model["vocab"], "merges": [tuple(pair) for pair in model["merges"]]}


def _unigrams(special: Sequence[str]) -> list[tuple[str, float]]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=PIECES, special_tokens=list(special), unk_token="[UNK]"
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return [tuple(piece) for piece in json.loads(tokenizer.to_str())["model"]["vocab"]]


def _modern_bert_tokenizer() -> Any:
    """Byte-level BPE whose special tokens come last; its classes know no family."""
    tokenizer = _byte_pairs(())
    tokenizer.add_special_tokens(list(DEBERTA))
    return as_bert_reads(tokenizer)


FAMILIES = {
    "bert": Family(BertConfig, lambda: BertTokenizer(vocab=_word_pieces(BERT))),
    "electra": Family(
        ElectraConfig, lambda: BertTokenizer(vocab=_word_pieces(BERT)), {"embedding_size": 8}
    ),
    "roberta": Family(
        RobertaConfig,
        lambda: RobertaTokenizer(**_vocabulary_and_merges(ROBERTA)),
        {"type_vocab_size": 1},
        set_aside=2,
    ),
    "mpnet": Family(MPNetConfig, lambda: MPNetTokenizer(vocab=_word_pieces(MPNET)), set_aside=2),
    "deberta": Family(
        DebertaConfig,
        lambda: DebertaTokenizer(**_vocabulary_and_merges(DEBERTA)),
        {
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_biased_input": False,
        },
    ),
    "deberta-v2": Family(
        DebertaV2Config,
        lambda: DebertaV2Tokenizer(vocab=_unigrams(DEBERTA_V2), unk_id=3),
        {
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
        },
    ),
    "modernbert": Family(
        ModernBertConfig,
        _modern_bert_tokenizer,
        {"local_attention": 8, "global_attn_every_n_layers": 2},
    ),
}
