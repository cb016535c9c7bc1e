"""Draw the figures of a study from its runs and its tables, as SVG and PDF."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.options import Options
from interlude.analysis.results import read_runs
from interlude.errors import command
from interlude.figures.gallery import draw_figures


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--figures", nargs="+", required=True, help="names of the figures")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    options = arguments.options
    runs = read_runs(arguments.scores, arguments.trainings, options.tasks or None)
    draw_figures(arguments.figures, runs, arguments.tables, options, arguments.out)


if __name__ == "__main__":
    main()
