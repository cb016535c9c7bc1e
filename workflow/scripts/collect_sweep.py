"""Collect the records of a sweep into one table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.results import joined, to_scores, to_trainings
from interlude.analysis.sweep import sweep_table
from interlude.analysis.tables import write_csv
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.plan.cells import read_plan, tried


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--settings", nargs="+", required=True, help="names of those tried")
    parser.add_argument("--rule", type=json.loads, required=True, help="of degenerate runs")
    parser.add_argument("--out", type=Path, required=True, help="the table, as CSV")
    arguments = parser.parse_args()
    collected = collect("", tried(read_plan(arguments.plan)), arguments.trained)
    runs = joined(to_scores(collected.scores), to_trainings(collected.trainings))
    rule = DegenerateRule(**arguments.rule)
    write_csv(sweep_table(runs, arguments.settings, rule), arguments.out)


if __name__ == "__main__":
    main()
