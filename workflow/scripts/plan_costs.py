"""Print what a study will take, estimated from the runs that were measured so far."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from interlude.analysis.estimate import estimate, planned_examples
from interlude.analysis.runs import read_runs
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.plan.study import Design


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--design", type=Design.from_json, required=True, help="the grid, as JSON")
    parser.add_argument("--records", type=Path, required=True, help="folder of its records")
    parser.add_argument("--planned", type=json.loads, required=True, help="tasks, as JSON")
    parser.add_argument("--data", type=Path, required=True, help="folder of normalised tasks")
    parser.add_argument("--measured", type=Path, nargs="*", default=[], help="run tables")
    parser.add_argument("--model", type=Path, required=True, help="weights of the encoder")
    arguments = parser.parse_args()
    tables = [collect(arguments.study, arguments.design, arguments.records)]
    tables += [read_runs(path) for path in arguments.measured]
    model = arguments.model
    encoder_bytes = model.stat().st_size if model.exists() else float("nan")
    planned = planned_examples(arguments.planned, arguments.data)
    table = estimate(planned, pd.concat(tables, ignore_index=True), encoder_bytes)
    print(table.to_string(index=False, float_format="{:,.2f}".format, na_rep="?"))


if __name__ == "__main__":
    main()
