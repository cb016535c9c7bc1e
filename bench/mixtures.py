"""A mixture of two tasks: against each of them alone, and against a Trainer with a list of loaders.

python -m bench.mixtures [--pairs sarcasm+boolq] [--repetitions 3] [--steps 16]
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bench.machine import about, computes_in_bf16
from bench.material import MIXED_BATCHES, Material, job_on
from bench.passes import race_passes
from bench.race import (
    EVALUATED,
    Measures,
    add_options,
    carried_out,
    check_same_work,
    entrants,
    tell,
)
from bench.report import ALONE, show
from bench.workspace import embedded_model, encoded_task, write_results
from interlude.jobs.arguments import Job
from interlude.plan.settings import Settings

PAIRS = ["sarcasm+privacy-qa", "sarcasm+boolq"]


def main() -> None:
    options = _options()
    torch.set_num_threads(options.threads)
    described, model = about(), embedded_model()
    names = dict.fromkeys(name for pair in options.pairs for name in pair.split("+"))
    materials = {name: encoded_task(name, model, options.max_length) for name in names}
    rows = [
        {"task": pair, "batch": options.batch_size, "repetition": repetition, **row}
        for repetition in range(1, options.repetitions + 1)
        for pair in options.pairs
        for row in raced([materials[name] for name in pair.split("+")], repetition, options)
    ]
    write_results("mixtures", {"machine": described, "options": vars(options), "rows": rows})
    show()


def raced(materials: Sequence[Material], seed: int, options: Namespace) -> list[Measures]:
    """Return the measures of a mixture by each contestant, of its tasks alone, and of its passes.

    One after another, on the same examples: as many of each task as `--steps` batches of the
    mixture hold, seen once.
    """
    settings = Settings(
        epochs=1,
        batch_size=options.batch_size,
        max_length=options.max_length,
        validation_examples=EVALUATED,
        evaluations=1,
    )
    examples = options.steps * options.batch_size // len(materials)
    cut = [material.cut(examples) for material in materials]
    fast = "bf16" if computes_in_bf16("cpu") else "fp32"
    rows = []
    with TemporaryDirectory() as folder:
        whole = job_on(cut, MIXED_BATCHES, settings, seed, "cpu", fast, Path(folder))
        for entrant in entrants("cpu"):
            job = _in(whole, entrant.precision, Path(folder, entrant.name))
            rows.append(_measured(job, entrant.name, entrant.contestant, options))
        check_same_work([{"task": whole.name, "batch": 0, "repetition": seed, **r} for r in rows])
        for material in cut:
            alone = material.training(settings, seed, "cpu", fast)
            job = material.job(alone, Path(folder, material.part.task))
            rows.append(_measured(job, f"{ALONE}{material.part.task}", "interlude", options))
        return rows + race_passes(whole, options.warm_up)


def _in(job: Job, precision: str, folder: Path) -> Job:
    """Return a job in another precision, in a folder of its own."""
    training = replace(job.training, precision=precision)
    return replace(job, training=training, files=replace(job.files, folder=folder))


def _measured(job: Job, entrant: str, contestant: str, options: Namespace) -> Measures:
    measures = carried_out(job, contestant, options)
    tell(f"{job.name}, {entrant}", measures)
    return {"entrant": entrant, "precision": job.training.precision, **measures}


def _options() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", nargs="+", default=PAIRS, help="two tasks each, joined by +")
    parser.add_argument("--batch-size", type=int, default=16, help="examples in a batch")
    add_options(parser)
    parser.set_defaults(steps=16)
    return parser.parse_args()


if __name__ == "__main__":
    main()
