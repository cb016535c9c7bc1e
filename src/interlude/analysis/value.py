"""What a recommendation is worth: the levels against the whole grid.

    python -m interlude.analysis.value reference docs/choose-a-start.md docs/demo/selection-demo

writes the table between the lines `<!-- value -->` and `<!-- end -->` of a page: on published
truths and, of each folder of a study's tables, on its own grid. Hours are simulated from restarts:
of Pruksachatkun et al. and of studies those that were trained, in every order; of hub models, whose
scores are of one run each, five that are drawn with the spread of 20 seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interlude.analysis.degenerate import DegenerateRule, flag_degenerate
from interlude.analysis.evidence import Evidence, hub_spread, hub_truth, load_evidence
from interlude.analysis.expected import expected_gains
from interlude.analysis.levels import ALPHA, Outcome, halved, row_of
from interlude.analysis.options import Options
from interlude.analysis.published import load_published, published_tables
from interlude.analysis.ranking_quality import PERCENT
from interlude.analysis.results import joined
from interlude.analysis.selectors import static_order
from interlude.analysis.truth import Truth, truth_of_runs
from interlude.analysis.value_of_study import value_of_study
from interlude.errors import command
from interlude.files import markdown_table, with_table

PRUKSACHATKUN, HUB = "Pruksachatkun et al.", "hub models"
COLUMNS = ["truth", "level", "share", "regret_1", "regret_3", "best_in_3", "coverage", "targets"]
DRAWN = 5  # restarts of a hub model


def value_table(reference: Path, studies: list[Path]) -> pd.DataFrame:
    """Return a row per truth and level: means over targets, in per cent; see `levels.row_of`.

    reference: folder of the evidence. studies: folders of `scores.parquet`, `trainings.parquet` and
    `selection_scores.parquet`.
    """
    evidence = load_evidence(reference)
    rows = [*_published_rows(reference, evidence)]
    rows += [row for folder in studies for row in value_of_study(folder, evidence)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _published_rows(reference: Path, evidence: Evidence) -> Iterator[dict[str, Any]]:
    known = expected_gains(evidence, ALPHA, evidence.encoder).coverage["each task"]
    own, hub = published_truth(reference), hub_truth(reference)
    drawn = _with_restarts(hub, hub_spread(reference))
    seconds = row_of(PRUKSACHATKUN, "seconds", own, _static_outcomes(own))
    yield {**seconds, "coverage": PERCENT * known}
    yield from _of_hours(PRUKSACHATKUN, own, own, first=4)
    yield row_of(HUB, "seconds", hub, _static_outcomes(hub))
    yield from _of_hours(HUB, hub, drawn, first=40)


def published_truth(reference: Path) -> Truth:
    """Return the scores of Pruksachatkun et al. as a truth."""
    options = Options(degenerate=DegenerateRule(exclude=False))
    runs = joined(*published_tables(load_published(reference), "published"))
    return truth_of_runs(flag_degenerate(runs, options.degenerate), options, PRUKSACHATKUN)


def _with_restarts(truth: Truth, spread: pd.Series[float]) -> Truth:
    """Return a truth with restarts that are drawn around its scores, which are assumed true."""
    noise = np.random.default_rng(0).normal(size=(DRAWN, len(truth.runs)))
    deviation = truth.runs["target"].map(spread).to_numpy()
    parts = [
        truth.runs.assign(restart=number, score=truth.runs["score"] + deviation * each)
        for number, each in enumerate(noise, start=1)
    ]
    return Truth(truth.name, pd.concat(parts, ignore_index=True))


def _static_outcomes(truth: Truth) -> dict[str, list[Outcome]]:
    return {name: [Outcome(0.0, static_order(truth, name))] for name in truth.targets}


def _of_hours(name: str, truth: Truth, drawn: Truth, first: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of rounds that begin with all sources, and with those of the best mean."""
    for level, most in (("hours", len(truth.sources)), (f"hours, first {first}", first)):
        outcomes = {
            target: [*halved(truth, drawn, target, _by_mean(truth, target)[:most])]
            for target in truth.targets
        }
        yield row_of(name, level, truth, outcomes)


def _by_mean(truth: Truth, target: str) -> list[str]:
    means = static_order(truth, target).reindex(truth.candidates(target).index)
    return list(means.sort_values(ascending=False).index)


def as_markdown(table: pd.DataFrame) -> str:
    """Return the table as a page shows it."""
    heads = (
        *("truth", "level", "share of the grid, %", "Regret@1, %", "Regret@3, %"),
        *("best in top 3, %", "coverage of intervals, %", "targets"),
    )
    rows = []
    for row in table.itertuples(index=False):
        shown = zip(row[2:7], (0, 2, 2, 0, 0), strict=True)
        numbers = ["–" if pd.isna(each) else f"{each:.{digits}f}" for each, digits in shown]
        rows.append([*row[:2], *numbers, str(row[7])])
    return markdown_table(heads, rows)


@command
def main() -> None:
    """Print the table, and write it into the page that is named on the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("reference", type=Path, help="folder of the evidence")
    parser.add_argument("page", type=Path, nargs="?", help="page whose table is written anew")
    parser.add_argument("studies", type=Path, nargs="*", help="folders of studies with a grid")
    arguments = parser.parse_args()
    table = as_markdown(value_table(arguments.reference, arguments.studies))
    print(table, end="")
    if arguments.page:
        page = arguments.page.read_text(encoding="utf8")
        arguments.page.write_text(with_table(page, "value", table), encoding="utf8")


if __name__ == "__main__":
    main()
