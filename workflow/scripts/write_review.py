"""Write the reviewer's page of a study from its scores and trainings."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.options import Options
from interlude.analysis.results import read_runs
from interlude.analysis.review import review_page
from interlude.errors import command
from interlude.files import written_atomically


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--trainings", type=Path, required=True, help="trainings.parquet")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--out", type=Path, required=True, help="HTML file to write")
    arguments = parser.parse_args()
    options = arguments.options
    runs = read_runs(arguments.scores, arguments.trainings, options.tasks or None)
    page = review_page(runs, options)
    with written_atomically(arguments.out) as draft:
        draft.write_text(page, encoding="utf8")


if __name__ == "__main__":
    main()
