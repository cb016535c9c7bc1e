"""End a study: succeed when every score is there, else say which are not and how to go on."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.analysis.decisions import restarts_of_stopped
from interlude.errors import command
from interlude.files import written_atomically
from interlude.jobs.collect import require_finished
from interlude.plan.cells import read_plan, scored
from interlude.plan.looks import within


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--rounds", type=Path, help="rounds.csv, where cells were stopped")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--out", type=Path, required=True, help="text file to write on success")
    arguments = parser.parse_args()
    most = restarts_of_stopped([arguments.rounds] if arguments.rounds else [])
    cells = within(scored(read_plan(arguments.plan)), most)
    count = require_finished(cells, arguments.trained)
    with written_atomically(arguments.out) as path:
        path.write_text(f"{count} scores, each with a result.\n")


if __name__ == "__main__":
    main()
