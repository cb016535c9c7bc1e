"""Collect the records of a study into runs.parquet and, beside it, runs.csv."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.runs import write_runs
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.plan.study import Design


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--design", type=Design.from_json, required=True, help="the grid, as JSON")
    parser.add_argument("--records", type=Path, required=True, help="folder of the records")
    parser.add_argument("--out", type=Path, required=True, help="runs.parquet to write")
    arguments = parser.parse_args()
    write_runs(collect(arguments.study, arguments.design, arguments.records), arguments.out)


if __name__ == "__main__":
    main()
