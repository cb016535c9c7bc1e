"""Training speed and memory on a GPU: RoBERTa-large in bf16, Interlude against Trainer.

python -m bench.gpu [--tasks boolq] [--batch-sizes 16 32 64] [--repetitions 3]

Weights are random, since only shapes count here. Without a GPU this says so and ends.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import torch

from bench.race import add_options, entrants, race
from bench.random_roberta import random_roberta
from bench.report import show
from bench.workspace import WORK, embedded_model, encoded_task, with_mirrored, write_results

TASKS = ["privacy-qa", "boolq"]
MIRRORED = ["rte"]


def main() -> None:
    options = _options()
    if not torch.cuda.is_available():
        print("bench.gpu: no GPU here, nothing measured")
        return
    model = random_roberta(WORK / "models/roberta-large-random", embedded_model())
    materials = [encoded_task(name, model, options.max_length) for name in options.tasks]
    document = race(materials, entrants("cuda"), options.batch_sizes, "cuda", options)
    document["machine"]["gpu"] = torch.cuda.get_device_name()
    write_results("gpu", document)
    show()


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
