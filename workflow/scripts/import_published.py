"""Turn published scores in reference/ into the tables of scores and trainings of a study."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.published import load_published, published_tables
from interlude.analysis.results import write_results
from interlude.errors import command


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True, help="folder of the CSV files")
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet to write")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet to write")
    arguments = parser.parse_args()
    published = load_published(arguments.reference)
    scores, trainings = published_tables(published, arguments.study)
    write_results(trainings, arguments.trainings)
    write_results(scores, arguments.scores)


if __name__ == "__main__":
    main()
