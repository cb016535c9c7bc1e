"""Adapters against full fine-tuning: training speed and memory, on one processor.

python -m bench.methods [--tasks sarcasm boolq] [--repetitions 3] [--steps 8]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from bench.machine import computes_in_bf16
from bench.race import Entrant, add_options, race
from bench.report import show
from bench.workspace import embedded_model, encoded_task, write_results
from interlude.plan.methods import METHODS, method_of

TASKS = ["sarcasm", "boolq"]


def main() -> None:
    options = _options()
    model = embedded_model()
    materials = [encoded_task(name, model, options.max_length) for name in options.tasks]
    methods = entrants(options.methods)
    write_results("methods", race(materials, methods, [options.batch_size], "cpu", options))
    show()


def entrants(methods: list[str]) -> list[Entrant]:
    """Return Interlude with each of some methods, by their default parameters."""
    precision = "bf16" if computes_in_bf16("cpu") else "fp32"
    return [
        Entrant(name, "interlude", precision, method_of({"name": name}))
        for name in dict.fromkeys(["full", *methods])
    ]


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=TASKS, help="names in config/tasks")
    parser.add_argument(
        "--methods", nargs="+", default=["lora", "bottleneck"], choices=METHODS, help="beside full"
    )
    parser.add_argument("--batch-size", type=int, default=16, help="sequences in a batch")
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
