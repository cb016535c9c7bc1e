"""Training speed and memory on a GPU: RoBERTa-large in bf16, Interlude against Trainer.

python -m bench.gpu [--tasks boolq] [--batch-sizes 16 32 64] [--repetitions 3]

Weights are random, since only shapes count here. Without a GPU this says so and ends.
"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch
from transformers import RobertaConfig, RobertaModel

from bench.race import add_options, entrants, race
from bench.report import show
from bench.workspace import WORK, embedded_model, encoded_task, with_mirrored, write_results
from interlude.data.fetch.origin import TOKENIZER
from interlude.files import MANIFEST, write_json

TASKS = ["privacy-qa", "boolq"]
MIRRORED = ["rte"]
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


def main() -> None:
    options = _options()
    if not torch.cuda.is_available():
        print("bench.gpu: no GPU here, nothing measured")
        return
    model = random_roberta(WORK / "models/roberta-large-random")
    materials = [encoded_task(name, model, options.max_length) for name in options.tasks]
    document = race(materials, entrants("cuda"), options.batch_sizes, "cuda", options)
    document["machine"]["gpu"] = torch.cuda.get_device_name()
    write_results("gpu", document)
    show()


def random_roberta(folder: Path) -> Path:
    """Save a model of RoBERTa-large's shapes with the embedded model's tokenizer."""
    torch.manual_seed(0)
    RobertaModel(RobertaConfig(**LARGE)).save_pretrained(folder)
    embedded = embedded_model()
    for name in TOKENIZER:
        if (embedded / name).exists():
            shutil.copy2(embedded / name, folder)
    write_json(folder / MANIFEST, {"revision": None})
    return folder


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    tasks = with_mirrored(TASKS, MIRRORED)
    parser.add_argument("--tasks", nargs="+", default=tasks, help="names in config/tasks")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32, 64])
    add_options(parser)
    parser.set_defaults(steps=40, warm_up=10, max_length=256)
    return parser.parse_args()


if __name__ == "__main__":
    main()
