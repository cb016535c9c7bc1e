"""Write the report of a study from its tables, figures and answer, as one page of HTML."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import of_full_size, read_runs
from interlude.analysis.review import review_sections
from interlude.analysis.scope import described
from interlude.errors import command
from interlude.files import written_atomically
from interlude.report.contents import Files
from interlude.report.page import report_page


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--answer", type=Path, required=True, help="answer.md")
    parser.add_argument("--tables", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--table-names", nargs="+", required=True, help="those that it shows")
    parser.add_argument("--figures", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--figure-names", nargs="+", required=True, help="those that it shows")
    parser.add_argument("--artefacts", type=Path, help="artefacts.csv, of tasks that a model makes")
    parser.add_argument("--template", type=Path, required=True, help="folder of page and captions")
    parser.add_argument("--out", type=Path, required=True, help="HTML to write")
    of = parser.parse_args()
    beside = {"artefacts": of.artefacts} if of.artefacts else {}
    names = [*of.table_names, *beside]
    files = Files(of.out, of.tables, of.figures, names, of.figure_names, beside)
    runs = read_runs(of.scores, of.trainings, of.options.tasks or None)
    flagged = of_full_size(flag_degenerate(runs, of.options.degenerate))
    review = review_sections(runs, of.options)
    options = described(of.options, flagged)
    text = of.answer.read_text(encoding="utf8")
    page = report_page(of.study, text, files, review, of.template, options)
    with written_atomically(of.out) as draft:
        draft.write_text(page, encoding="utf8")


if __name__ == "__main__":
    main()
