"""Collect the records of a study into its tables of scores and trainings, as Parquet and CSV."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.decisions import read_stopped
from interlude.analysis.results import to_scores, to_trainings, write_results
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.jobs.example_noise import Examples, with_example_variance
from interlude.plan.cells import read_plan, scored
from interlude.plan.looks import within


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--rounds", type=Path, help="rounds.csv, where cells were stopped")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised tasks")
    parser.add_argument("--contrasts", type=json.loads, required=True, help="pairs of arms")
    parser.add_argument("--grouped", nargs="*", default=[], help="tasks with groups of examples")
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet to write")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet to write")
    arguments = parser.parse_args()
    stopped = read_stopped(arguments.rounds) if arguments.rounds else {}
    most = {cell: restarts for cell, (restarts, _) in stopped.items()}
    cells = within(scored(read_plan(arguments.plan)), most)
    collected = collect(arguments.study, cells, arguments.trained)
    for cell, row in zip(cells, collected.scores, strict=True):
        row["stopped"] = stopped[cell.scored][1] if cell.scored in stopped else None
    examples = Examples(arguments.trained, arguments.data, arguments.grouped)
    scores = with_example_variance(collected.scores, examples, arguments.contrasts)
    write_results(to_scores(scores), arguments.scores)
    write_results(to_trainings(collected.trainings), arguments.trainings)


if __name__ == "__main__":
    main()
