"""Choose the settings of a task among the trainings of its sweep."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interlude.analysis.degenerate import DegenerateRule
from interlude.analysis.results import joined, to_scores, to_trainings
from interlude.analysis.sweep import choose
from interlude.errors import command
from interlude.files import write_json
from interlude.jobs.collect import collect, read_record
from interlude.plan.cells import SWEEP, Cell
from interlude.words import NO_SOURCE


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, nargs="+", required=True, help="point by point")
    parser.add_argument("--settings", nargs="+", required=True, help="names of those tried")
    parser.add_argument("--rule", type=json.loads, required=True, help="of degenerate runs")
    parser.add_argument("--out", type=Path, required=True, help="the choice, as JSON")
    arguments = parser.parse_args()
    cells = [_tried(point, path) for point, path in enumerate(arguments.records, start=1)]
    collected = collect("", cells, arguments.records[0].parents[1])
    runs = joined(to_scores(collected.scores), to_trainings(collected.trainings))
    write_json(arguments.out, choose(runs, arguments.settings, DegenerateRule(**arguments.rule)))


def _tried(point: int, record: Path) -> Cell:
    """Return the cell of a training; which role it is for does not matter to the choice."""
    task = read_record(record)["parts"][0]["task"]
    return Cell(SWEEP, "target", NO_SOURCE, None, task, None, point, record.parent.name)


if __name__ == "__main__":
    main()
