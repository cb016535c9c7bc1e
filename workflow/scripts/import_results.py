"""Turn scores of anybody, in a file, into the tables of scores and trainings of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.other_results import tables_of_a_study, tables_of_csv
from interlude.analysis.results import write_results
from interlude.errors import command

PARQUET = ".parquet"  # the ending of a table of Interlude's own; any other file is CSV


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True, help="a CSV file, or a scores.parquet")
    parser.add_argument("--of-trainings", type=Path, help="the trainings.parquet beside it")
    parser.add_argument("--points", action="store_true", help="scores are × 100")
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet to write")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet to write")
    arguments = parser.parse_args()
    file, study = arguments.file, arguments.study
    if file.suffix == PARQUET:
        scores, trainings = tables_of_a_study(file, study, arguments.of_trainings)
    else:
        scores, trainings = tables_of_csv(file, study, arguments.points)
    write_results(trainings, arguments.trainings)
    write_results(scores, arguments.scores)


if __name__ == "__main__":
    main()
