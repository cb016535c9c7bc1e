"""Decide by the scores so far which sources the next round of trainings has, if one follows."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pandas as pd

from interlude.analysis.decisions import read_decision, write_decision
from interlude.analysis.degenerate import flag_degenerate, scored
from interlude.analysis.options import Options
from interlude.analysis.results import POINTS, joined, to_scores, to_trainings
from interlude.analysis.rounds import decide
from interlude.analysis.tables import write_csv
from interlude.errors import InputError, command
from interlude.jobs.collect import collect
from interlude.plan.cells import Cell, read_rows


def runs_of(cells: list[Cell], trained: Path, options: Options) -> pd.DataFrame:
    """Return source, restart, score, in points, and degenerate, of runs that have an outcome."""
    collected = collect("", cells, trained)
    runs = joined(to_scores(collected.scores), to_trainings(collected.trainings))
    own = scored(flag_degenerate(runs, options.degenerate), False)
    return own.assign(score=POINTS * own["score"])[["source", "restart", "score", "degenerate"]]


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True, help="the cells so far, as plan.csv has them")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--decisions", type=Path, nargs="+", required=True, help="so far")
    parser.add_argument("--restarts", type=int, required=True, help="of the study")
    parser.add_argument("--options", type=Options.from_json, required=True, help="as JSON")
    parser.add_argument("--runs", type=Path, required=True, help="the scores so far, as CSV")
    parser.add_argument("--out", type=Path, required=True, help="the decision, as CSV")
    arguments = parser.parse_args()
    cells = list(read_rows(io.StringIO(arguments.cells), "the cells of the rounds"))
    runs = runs_of(cells, arguments.trained, arguments.options)
    now = read_decision(arguments.decisions[-1])
    alpha = arguments.options.statistics.alpha
    decision = decide(runs, now.kept, now.restarts, arguments.restarts, alpha)
    if not decision.kept:
        tried = ", ".join(now.kept)
        raise InputError(
            f"{arguments.out}: no training from {tried} has a score, so that nothing can be chosen."
        )
    write_csv(runs, arguments.runs)
    write_decision(decision, arguments.out)


if __name__ == "__main__":
    main()
