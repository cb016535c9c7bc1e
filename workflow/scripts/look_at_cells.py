"""Decide which cells get no further restarts, since their difference is known already."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.decisions import restarts_of_stopped
from interlude.analysis.degenerate import flag_degenerate
from interlude.analysis.options import Options
from interlude.analysis.results import SCORED, joined, of_full_size, to_scores, to_trainings
from interlude.analysis.stops import look
from interlude.analysis.tables import write_csv
from interlude.errors import command
from interlude.jobs.collect import collect
from interlude.plan.cells import read_plan, scored
from interlude.plan.looks import looks_of, until_look


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--planned", required=True, help="its digest, so that another is another")
    parser.add_argument("--negligible", type=float, help="points that make no difference")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--decisions", type=Path, nargs="*", required=True, help="of looks before")
    parser.add_argument("--restarts", type=int, required=True, help="of the study")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the scores so far, as CSV")
    parser.add_argument("--out", type=Path, required=True, help="the decision, as CSV")
    arguments = parser.parse_args()
    options = arguments.options
    restarts = looks_of(arguments.restarts)[len(arguments.decisions)]
    stopped = restarts_of_stopped(arguments.decisions)
    planned = scored(read_plan(arguments.plan))
    cells = until_look(planned, options.contrasts, restarts, stopped)
    collected = collect("", cells, arguments.trained)
    runs = joined(to_scores(collected.scores), to_trainings(collected.trainings))
    flagged = flag_degenerate(of_full_size(runs), options.degenerate)
    write_csv(flagged[[*SCORED, "restart", "status", "score", "degenerate"]], arguments.runs)
    write_csv(look(flagged, options, restarts, arguments.negligible, stopped), arguments.out)


if __name__ == "__main__":
    main()
