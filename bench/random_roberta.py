"""A model of RoBERTa-large's shapes, for what only shapes count."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import RobertaConfig, RobertaModel

from interlude.files import MANIFEST, WEIGHTS, write_json

# Of roberta-large; the two token types are those of the embedded model's tokenizer.
LARGE = {
    "vocab_size": 50265,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "max_position_embeddings": 514,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}


def random_roberta(folder: Path, beside: Path) -> Path:
    """Save random weights of these shapes with the tokenizer of another model's folder."""
    torch.manual_seed(0)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):  # seconds, or half a minute
        model = RobertaModel(RobertaConfig(**LARGE))
    model.save_pretrained(folder)
    for file in beside.iterdir():
        if file.name not in ("config.json", WEIGHTS, MANIFEST):
            shutil.copy2(file, folder)
    write_json(folder / MANIFEST, {"revision": None})
    return folder
