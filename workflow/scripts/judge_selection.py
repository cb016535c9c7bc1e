"""Judge methods of selection by the scores of a study: their tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.catalog import FIGURES, OF_SELECTION
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import (
    of_common_restarts,
    of_full_size,
    read_runs,
    read_selection_scores,
)
from interlude.analysis.scope import described
from interlude.analysis.selection import selection_tables
from interlude.analysis.study_tables import write_study_tables
from interlude.errors import command
from interlude.figures.gallery import draw_figures


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--selection-scores", type=Path, help="Parquet, where there is one")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--tables", type=Path, required=True, help="folder of tables to write to")
    parser.add_argument("--figures", type=Path, required=True, help="folder of figures to write to")
    arguments = parser.parse_args()
    options = arguments.options
    runs = read_runs(arguments.scores, arguments.trainings, options.tasks or None)
    flagged = of_full_size(flag_degenerate(runs, options.degenerate))
    path = arguments.selection_scores
    of_methods = read_selection_scores(path) if path else None
    tables = selection_tables(of_common_restarts(flagged), options, of_methods)
    write_study_tables(tables, arguments.tables, described(options, flagged))
    names = [name for name in FIGURES if name in OF_SELECTION]
    draw_figures(names, runs, arguments.tables, options, arguments.figures)


if __name__ == "__main__":
    main()
