"""Training speed and memory: Interlude against Trainer, on one processor.

python -m bench.engine [--tasks sarcasm boolq] [--repetitions 3] [--steps 8]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from bench.race import add_options, entrants, race
from bench.report import show
from bench.workspace import embedded_model, encoded_task, with_mirrored, write_results

TASKS = ["sarcasm", "boolq", "openbook-qa"]
MIRRORED = ["sst-2", "rte", "cosmos-qa"]


def main() -> None:
    options = _options()
    model = embedded_model()
    materials = [encoded_task(name, model, options.max_length) for name in options.tasks]
    write_results("engine", race(materials, entrants("cpu"), [options.batch_size], "cpu", options))
    show()


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    tasks = with_mirrored(TASKS, MIRRORED)
    parser.add_argument("--tasks", nargs="+", default=tasks, help="names in config/tasks")
    parser.add_argument("--batch-size", type=int, default=16, help="sequences in a batch")
    add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
