"""End a study: succeed when every score is there, else say which are not and how to go on."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.errors import command
from interlude.files import written_atomically
from interlude.jobs.collect import require_finished
from interlude.plan.cells import read_plan, scored


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="plan.csv")
    parser.add_argument("--trained", type=Path, required=True, help="folder of all trainings")
    parser.add_argument("--out", type=Path, required=True, help="text file to write on success")
    arguments = parser.parse_args()
    count = require_finished(scored(read_plan(arguments.plan)), arguments.trained)
    with written_atomically(arguments.out) as path:
        path.write_text(f"{count} scores, each with a result.\n")


if __name__ == "__main__":
    main()
