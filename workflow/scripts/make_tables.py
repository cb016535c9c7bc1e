"""Write all tables of a study from its scores and trainings."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import of_full_size, read_runs, read_trainings
from interlude.analysis.scope import described
from interlude.analysis.study_tables import study_tables, write_study_tables
from interlude.analysis.sweep import read_sweep
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--sweep", type=Path, help="sweep.csv, where there was a sweep")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    options = arguments.options
    runs = read_runs(arguments.scores, arguments.trainings, options.tasks or None)
    tables = study_tables(runs, options, read_trainings(arguments.trainings))
    if arguments.sweep is not None:
        tables["sweep"] = read_sweep(arguments.sweep)
    flagged = flag_degenerate(of_full_size(runs), options.degenerate)
    write_study_tables(tables, arguments.out, described(options, flagged))


if __name__ == "__main__":
    main()
