"""Collect the records of a sweep into one table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.sweep import sweep_table
from interlude.analysis.tables import write_csv
from interlude.errors import command
from interlude.jobs.collect import read_record
from interlude.plan.study import KINDS, Design


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, required=True, help="folder of the records")
    parser.add_argument("--design", type=Design.from_json, required=True, help="the grid, as JSON")
    parser.add_argument("--combinations", type=int, required=True, help="tried for each task")
    parser.add_argument("--settings", nargs="+", required=True, help="names of those tried")
    parser.add_argument("--rule", type=json.loads, required=True, help="of degenerate runs")
    parser.add_argument("--out", type=Path, required=True, help="the table, as CSV")
    arguments = parser.parse_args()
    records = [
        read_record(arguments.records / kind / task / f"{number}.json")
        for kind in KINDS
        for task in getattr(arguments.design, kind)
        for number in range(1, arguments.combinations + 1)
    ]
    rule = DegenerateRule(**arguments.rule)
    write_csv(sweep_table(records, arguments.settings, rule), arguments.out)


if __name__ == "__main__":
    main()
