"""A generator is tried before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from interlude.errors import InputError
from interlude.generate.check_generator import check_generator, convert_gguf
from tests.helpers.tiny_model import save_model


def test_a_causal_language_model_is_taken(generator: Path) -> None:
    convert_gguf(generator)  # there is no such file
    check_generator(generator)


def test_an_encoder_has_no_causal_head(tmp_path: Path) -> None:
    save_model(tmp_path)
    with pytest.raises(InputError, match=r"found weights without cls\.predictions"):
        check_generator(tmp_path)


def test_a_masked_language_model_reads_in_both_directions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
    )
    BertForMaskedLM(config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match="reads in both directions"):
        check_generator(tmp_path)


def test_a_family_without_a_causal_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    with pytest.raises(InputError, match="has no causal head"):
        check_generator(tmp_path)


def test_what_is_no_gguf_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUX")
    with pytest.raises(InputError, match=r"model\.gguf: cannot be read"):
        convert_gguf(tmp_path)
