"""Write the answer of a study, from its tables: as Markdown, as CSV and as a figure."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.answer import answer_table, read_tables
from interlude.analysis.answer_page import as_markdown, sections
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import of_full_size, read_runs, read_trainings
from interlude.analysis.scope import described
from interlude.analysis.study_warnings import study_warnings
from interlude.analysis.tables import write_csv
from interlude.errors import command
from interlude.figures.answer import draw_answer
from interlude.figures.style import save, style
from interlude.files import written_atomically


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--figure", type=Path, required=True, help="SVG to write, a PDF beside it")
    parser.add_argument("--csv", type=Path, required=True, help="answer.csv to write")
    parser.add_argument("--page", type=Path, required=True, help="answer.md to write")
    arguments = parser.parse_args()
    runs = read_runs(arguments.scores, arguments.trainings, arguments.options.tasks or None)
    flagged = flag_degenerate(of_full_size(runs), arguments.options.degenerate)
    options = described(arguments.options, flagged)
    tables = read_tables(arguments.tables, options)
    answer = answer_table(tables, options)
    warnings = study_warnings(flagged, read_trainings(arguments.trainings), tables, options)
    with style():
        save(draw_answer(answer, options), arguments.figure, options.notes())
    write_csv(answer, arguments.csv)
    figure = arguments.figure.relative_to(arguments.page.parent).as_posix()
    page = as_markdown(arguments.study, sections(answer, warnings, options), figure)
    with written_atomically(arguments.page) as draft:
        draft.write_text(page, encoding="utf8")


if __name__ == "__main__":
    main()
