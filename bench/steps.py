"""Where the time of Interlude's training steps goes, by kind of operation.

python -m bench.steps [--tasks sarcasm boolq] [--steps 12]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

import torch

from bench.machine import about, computes_in_bf16
from bench.material import Material
from bench.profiled import profiled
from bench.race import race_training
from bench.report import show
from bench.workspace import embedded_model, encoded_task, write_results

TASKS = ["sarcasm", "boolq", "openbook-qa"]
Row = dict[str, Any]


def main() -> None:
    options = _options()
    described = about()
    model = embedded_model()
    precision = "bf16" if computes_in_bf16("cpu") else "fp32"
    materials = [encoded_task(name, model, options.max_length) for name in options.tasks]
    rows = [
        {"task": material.part.task, "precision": precision, "repetition": repetition}
        | measured(material, precision, repetition, options)
        for repetition in range(1, options.repetitions + 1)
        for material in materials
    ]
    write_results("steps", {"machine": described, "options": vars(options), "rows": rows})
    show()


def measured(material: Material, precision: str, seed: int, options: Namespace) -> Row:
    """Return the seconds per step of a run, and the share of each kind of operation in it."""
    training = race_training(material, options.batch_size, seed, "cpu", precision, options)
    meter = profiled(material, training, options.warm_up)
    seconds = meter.seconds_by_kind()
    total = sum(seconds.values())
    shares = {kind: spent / total for kind, spent in seconds.items()}
    return {"seconds_per_step": total / meter.measures()["measured_steps"], "shares": shares}


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=TASKS, help="names in config/tasks")
    parser.add_argument("--batch-size", type=int, default=16, help="sequences in a batch")
    parser.add_argument("--repetitions", type=int, default=3, help="of every run")
    parser.add_argument("--steps", type=int, default=12, help="of a run, about")
    parser.add_argument("--warm-up", type=int, default=2, help="first steps, not measured")
    parser.add_argument("--max-length", type=int, default=128, help="longest sequence in tokens")
    return parser.parse_args()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
